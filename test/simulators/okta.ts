import { generateKeyPairSync } from 'node:crypto';
import { oktaDirectory } from '@rollcall/sweeper/directories/okta';
import { scriptHarness } from '../conformance/directories/script-harness.ts';
import {
  GROUPS,
  type ScriptedPerson,
  somePeople,
} from '../conformance/directories/scripted-people.ts';
import {
  htmlPage,
  json,
  type ScriptedAnswer,
  type ScriptedRequest,
} from '../conformance/directories/scripted-server.ts';
import type { ScriptedHarness } from '../conformance/directory-contract.ts';
import { linkHeaderPaging, type Row } from './paging.ts';
import { type TokenEndpoint, tokenEndpoint } from './token-endpoint.ts';

/** Traps of Okta, and what a test may change. */
export interface OktaSimulatorOptions {
  readonly groups?: 'none' | 'all';
  readonly dpop?: boolean;
  readonly people?: readonly ScriptedPerson[];
  readonly pageSize?: number;
  /** Okta's status of a person; `ACTIVE` or `SUSPENDED` by default. */
  readonly statusOf?: (person: ScriptedPerson) => string;
  /** Whether the app is there still. */
  readonly appExists?: () => boolean;
  /** Leaves out `Link`, as a proxy may. */
  readonly hidesLinks?: boolean;
}

const APP = '/api/v1/apps/0oa1app';
const KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const PAGING = linkHeaderPaging({
  size: 'limit',
  position: 'after',
  most: 500,
  unasked: 50,
  keyOf: (row) => String(row.id),
});

/**
 * The Okta adapter in front of a SIMULATOR of Okta: a server that answers in the shapes of
 * Okta's published API description, and can be made to fail. No Okta was asked.
 */
export function openOktaSimulator(options: OktaSimulatorOptions = {}): Promise<ScriptedHarness> {
  const { groups = 'none', dpop = false, pageSize = 3 } = options;
  const people = new Map((options.people ?? somePeople()).map((one) => [one.id, one]));
  const tokens = tokenEndpoint({
    path: '/oauth2/v1/token',
    publicKey: KEYS.publicKey,
    clientId: '0oa2service',
    dpop,
  });
  return scriptHarness({
    people,
    answer: (request) => answer(request, people, tokens, options),
    positionOf: (request) => (request.path === `${APP}/users` ? PAGING.positionOf(request) : null),
    isLookUp: ({ path }) => /^\/api\/v1\/(?:apps\/0oa1app\/)?users\/[^/]+$/.test(path),
    moveTo: PAGING.moveTo,
    readRows: PAGING.readRows,
    writeRows: PAGING.writeRows,
    pointTo: PAGING.pointTo,
    shape: {
      disabled: (body) => withStatus(body, 'SUSPENDED'),
      garbled: (row) => withStatus(row, 'true'),
    },
    lookUpAbsent: oktaError(404, 'E0000007'),
    foreignAbsences: [
      oktaError(404, 'E0000022'),
      json(404, { error: 'not_found' }),
      { ...htmlPage(404), body: '{"errorCode":"E0000007"}' },
    ],
    open: (url, timeoutMs, time) =>
      oktaDirectory({
        url,
        appId: '0oa1app',
        clientId: '0oa2service',
        privateKey: async () => KEYS.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        keyId: 'key-1',
        algorithm: 'ES256',
        dpop,
        groups,
        timeoutMs,
        pageSize,
        time,
      }),
    unassigns: true,
    listsUnassigned: false,
    tellsGroups: groups === 'all',
  });
}

function answer(
  request: ScriptedRequest,
  people: ReadonlyMap<string, ScriptedPerson>,
  tokens: TokenEndpoint,
  options: OktaSimulatorOptions,
): ScriptedAnswer {
  const refused = tokens.answer(request, () => oktaError(401, 'E0000011'));
  if (refused !== null) return refused;
  if (!(options.appExists?.() ?? true) && request.path.startsWith(APP)) {
    return oktaError(404, 'E0000007');
  }
  const { path } = request;
  const all = [...people.values()];
  if (path === APP) return json(200, { id: '0oa1app', status: 'ACTIVE', signOnMode: 'SAML_2_0' });
  if (path === `${APP}/users`) {
    const rows = all.filter(({ assigned }) => assigned).map((one) => renderAppUser(one, options));
    const page = PAGING.answer(request, rows);
    return options.hidesLinks === true ? { ...page, headers: {} } : page;
  }
  if (path === '/api/v1/groups') return PAGING.answer(request, GROUPS.map(renderGroup));
  const [, group] = /^\/api\/v1\/groups\/g-([a-z]+)\/users$/.exec(path) ?? [];
  if (group !== undefined) {
    const members = all.filter(({ groups }) => groups.includes(group));
    return PAGING.answer(
      request,
      members.map((one) => renderUser(one, options)),
    );
  }
  const [, app, id = '', part] = LOOK_UP.exec(path) ?? [];
  const person = people.get(id);
  if (person === undefined || (app !== undefined && !person.assigned)) {
    return oktaError(404, 'E0000007');
  }
  if (part !== undefined) return PAGING.answer(request, person.groups.map(renderGroup));
  return json(
    200,
    app === undefined ? renderUser(person, options) : renderAppUser(person, options),
  );
}

const LOOK_UP = /^\/api\/v1\/(apps\/0oa1app\/)?users\/([^/]+)(\/groups)?$/;

/** An error in the shape of Okta's description. */
function oktaError(status: number, errorCode: string): ScriptedAnswer {
  return json(status, {
    errorCode,
    errorSummary: 'A sentence for people',
    errorLink: errorCode,
    errorId: 'oae1',
    errorCauses: [],
  });
}

function renderUser(person: ScriptedPerson, { statusOf }: OktaSimulatorOptions): Row {
  const status = statusOf?.(person) ?? (person.enabled ? 'ACTIVE' : 'SUSPENDED');
  return { id: person.id, status, profile: { login: person.name } };
}

function renderAppUser(person: ScriptedPerson, options: OktaSimulatorOptions): Row {
  return {
    id: person.id,
    // Of the assignment, not of the person.
    status: 'ACTIVE',
    scope: 'GROUP',
    credentials: { userName: `${person.name}@app` },
    _embedded: { user: renderUser(person, options) },
  };
}

function renderGroup(name: string): Row {
  return { id: `g-${name}`, type: 'OKTA_GROUP', profile: { name } };
}

function withStatus(body: object, status: string): object {
  const { _embedded: embedded } = body as { _embedded?: { user: object } };
  if (embedded === undefined) return { ...body, status };
  return { ...body, _embedded: { user: { ...embedded.user, status } } };
}
