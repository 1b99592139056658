import { byFederatedToken } from '@rollcall/sweeper/directories/client-authentication';
import { entraDirectory } from '@rollcall/sweeper/directories/entra';
import { scriptHarness } from '../conformance/directories/script-harness.ts';
import { type ScriptedPerson, somePeople } from '../conformance/directories/scripted-people.ts';
import {
  htmlPage,
  json,
  type ScriptedAnswer,
  type ScriptedRequest,
} from '../conformance/directories/scripted-server.ts';
import type { ScriptedHarness } from '../conformance/directory-contract.ts';
import { bodyPaging, type Row } from './paging.ts';
import { type TokenEndpoint, tokenEndpoint } from './token-endpoint.ts';

/** Traps of Microsoft Graph, and what a test may change. */
export interface EntraSimulatorOptions {
  readonly groups?: 'none' | 'assigned';
  /** False: everybody of the tenant may sign in. */
  readonly assignmentRequired?: boolean;
  readonly people?: readonly ScriptedPerson[];
  readonly pageSize?: number;
  /** How far the index that counts is behind, in people. */
  readonly countLag?: () => number;
  /** A group in the assigned group, whose people are not assigned by it. */
  readonly nested?: ReadonlySet<string>;
}

const TENANT = '8a1d2c3e-0000-4000-8000-000000000001';
const APP = '8a1d2c3e-0000-4000-8000-000000000002';
const CLIENT = '8a1d2c3e-0000-4000-8000-000000000003';
const SP_PATH = `/v1.0/servicePrincipals(appId='${APP}')`;
const FEDERATED = 'scripted-token.of.the-workload';
/** Whoever is in one of these groups is assigned by it, as are those named one by one. */
const ASSIGNED_GROUPS = ['admins', 'analysts', 'editors'];
const PAGING = bodyPaging({
  size: '$top',
  position: '$skiptoken',
  most: 999,
  unasked: 100,
  keyOf: (row) => String(row.id),
  rowsKey: 'value',
  nextKey: '@odata.nextLink',
  nextIsUrl: true,
});

/**
 * The Entra adapter in front of a SIMULATOR of Microsoft Graph and its token endpoint: a
 * server that answers in the shapes of Microsoft's published documentation. No tenant of
 * Microsoft was asked.
 */
export function openEntraSimulator(options: EntraSimulatorOptions = {}): Promise<ScriptedHarness> {
  const { groups = 'none', pageSize = 3, assignmentRequired = true } = options;
  const people = new Map((options.people ?? somePeople()).map((one) => [one.id, one]));
  const tokens = tokenEndpoint({
    path: `/${TENANT}/oauth2/v2.0/token`,
    clientId: CLIENT,
    federatedToken: FEDERATED,
  });
  return scriptHarness({
    people,
    answer: (request) => answer(request, people, tokens, options),
    positionOf: (request) =>
      request.path === '/v1.0/users' && !request.query.has('$count')
        ? PAGING.positionOf(request)
        : null,
    isLookUp: ({ path }) => /^\/v1\.0\/users\/[^/]+$/.test(path),
    moveTo: PAGING.moveTo,
    readRows: PAGING.readRows,
    writeRows: PAGING.writeRows,
    pointTo: PAGING.pointTo,
    shape: {
      disabled: (body) => ({ ...body, accountEnabled: false }),
      garbled: (row) => ({ ...row, accountEnabled: 'True' }),
    },
    lookUpAbsent: graphError(404, 'Request_ResourceNotFound'),
    foreignAbsences: [
      graphError(404, 'ResourceNotFound'),
      json(404, { error: 'Request_ResourceNotFound' }),
      { ...htmlPage(404), body: '{"error":{"code":"Request_ResourceNotFound"}}' },
    ],
    open: (url, timeoutMs, time) =>
      entraDirectory({
        url,
        loginUrl: url,
        tenant: TENANT,
        appId: APP,
        clientId: CLIENT,
        authenticate: byFederatedToken(CLIENT, async () => FEDERATED),
        groups,
        timeoutMs,
        pageSize,
        time,
      }),
    unassigns: assignmentRequired,
    listsUnassigned: false,
    tellsGroups: groups === 'assigned',
  });
}

function answer(
  request: ScriptedRequest,
  people: ReadonlyMap<string, ScriptedPerson>,
  tokens: TokenEndpoint,
  options: EntraSimulatorOptions,
): ScriptedAnswer {
  const refused = tokens.answer(request, () => graphError(401, 'InvalidAuthenticationToken'));
  if (refused !== null) return refused;
  const { path } = request;
  const all = [...people.values()];
  const lag = options.countLag?.() ?? 0;
  if (path === SP_PATH) {
    const { assignmentRequired: appRoleAssignmentRequired = true } = options;
    return json(200, { id: 'sp-1', accountEnabled: true, appRoleAssignmentRequired });
  }
  if (path === `${SP_PATH}/appRoleAssignedTo`) return answerRows(request, assignments(all));
  if (path === '/v1.0/users') return answerRows(request, all.map(renderUser), lag);
  const [, group] = /^\/v1\.0\/groups\/([a-z]+)\/members$/.exec(path) ?? [];
  if (group !== undefined) return answerRows(request, membersOf(group, all, options));
  const [, id = '', part] = /^\/v1\.0\/users\/([^/]+)(?:\/([A-Za-z]+))?$/.exec(path) ?? [];
  const person = people.get(id);
  if (person === undefined) return graphError(404, 'Request_ResourceNotFound');
  if (part === undefined) return json(200, renderUser(person));
  if (part === 'memberOf') {
    const own = person.assigned ? person.groups : ['strangers'];
    return answerRows(
      request,
      own.map((name) => ({ '@odata.type': '#microsoft.graph.group', id: name })),
    );
  }
  return answerRows(
    request,
    assignments(all).filter(({ principalId }) => principalId === id),
  );
}

function answerRows(request: ScriptedRequest, rows: readonly Row[], lag = 0): ScriptedAnswer {
  const sorted = [...rows].sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1));
  const answered = PAGING.answer(request, sorted);
  if (request.query.get('$count') !== 'true') return answered;
  if (request.headers.consistencylevel !== 'eventual') return graphError(400, 'Request_BadRequest');
  const body = JSON.parse(answered.body) as object;
  return json(200, { ...body, '@odata.count': rows.length - lag });
}

/** Whoever is in no assigned group is assigned one by one. */
function assignments(all: readonly ScriptedPerson[]): readonly Row[] {
  const alone = all.filter(({ assigned, groups }) => assigned && groups.length === 0);
  const row = (principalId: string, principalType: string): Row => ({
    id: `a-${principalId}`,
    principalId,
    principalType,
    resourceId: 'sp-1',
  });
  return [
    ...alone.map(({ id }) => row(id, 'User')),
    ...ASSIGNED_GROUPS.map((name) => row(name, 'Group')),
    row('another-app', 'ServicePrincipal'),
  ];
}

function membersOf(
  group: string,
  all: readonly ScriptedPerson[],
  { nested }: EntraSimulatorOptions,
): readonly Row[] {
  const direct = all.filter(({ assigned, groups }) => assigned && groups.includes(group));
  const rows: Row[] = direct.map(({ id }) => ({ '@odata.type': '#microsoft.graph.user', id }));
  if (nested !== undefined) rows.push({ '@odata.type': '#microsoft.graph.group', id: 'g-nested' });
  return rows;
}

function renderUser({ id, name, enabled }: ScriptedPerson): Row {
  return { id, accountEnabled: enabled, userPrincipalName: name };
}

/** An error in the shape of Microsoft Graph. */
export function graphError(status: number, code: string): ScriptedAnswer {
  return json(status, {
    error: { code, message: 'A sentence for people', innerError: { 'request-id': 'r-1' } },
  });
}
