import { keycloakDirectory } from '@rollcall/sweeper/directories/keycloak';
import type { ScriptedHarness } from '../directory-contract.ts';
import { scriptHarness } from './script-harness.ts';
import { GROUPS, type ScriptedPerson, somePeople } from './scripted-people.ts';
import { htmlPage, json, type ScriptedAnswer, type ScriptedRequest } from './scripted-server.ts';

/** What a test may change about the simulated realm while it runs. */
export interface SimulatorOptions {
  /** Roles of realm-management that tokens name; null: tokens name none at all. */
  readonly roles?: () => readonly string[] | null;
  /** Milliseconds for which tokens are accepted, whatever they say. */
  readonly acceptsToken?: (serial: number) => boolean;
}

const REALM = '/admin/realms/acme';
const SECRET = 'scripted-secret';

/**
 * The Keycloak adapter in front of a SIMULATOR of Keycloak: a scripted server
 * that answers in the shapes that Keycloak 26.7 was seen to send, and can be made
 * to fail, which the real one cannot. `test/keycloak` asks the real one.
 */
export function openKeycloakSimulator(options: SimulatorOptions = {}): Promise<ScriptedHarness> {
  const people = new Map(somePeople().map((person) => [person.id, person]));
  let issued = 0;
  return scriptHarness({
    people,
    answer: (request) => {
      if (request.path === '/realms/acme/protocol/openid-connect/token') {
        if (request.form.get('client_secret') !== SECRET) {
          return json(401, { error: 'unauthorized_client' });
        }
        issued += 1;
        return json(200, issueToken(issued, options));
      }
      const serial = Number(request.authorization?.split('.').at(-1));
      if (!(options.acceptsToken?.(serial) ?? serial > 0)) {
        return json(401, { error: 'HTTP 401 Unauthorized' });
      }
      return answer(request, people);
    },
    positionOf: ({ path, query }) => (path === `${REALM}/users` ? query.get('first') : null),
    isLookUp: ({ path }) => /^\/admin\/realms\/acme\/users\/(?!count$)[^/]+$/.test(path),
    moveTo: (request, position) => {
      const query = new URLSearchParams(request.query);
      query.set('first', position);
      return { ...request, query };
    },
    readRows: (body) => JSON.parse(body) as unknown[],
    writeRows: (_body, rows) => JSON.stringify(rows),
    lookUpAbsent: json(404, { error: 'User not found' }),
    foreignAbsences: [
      json(404, { error: 'Realm not found.' }),
      json(404, { error: 'HTTP 404 Not Found' }),
      { ...htmlPage(404), body: '{"error":"User not found"}' },
    ],
    open: (url, timeoutMs, time) =>
      keycloakDirectory({
        url,
        realm: 'acme',
        clientId: 'rollcall-sweeper',
        clientSecret: async () => SECRET,
        timeoutMs,
        time,
        pageSize: 4,
      }),
    unassigns: false,
    tellsGroups: true,
  });
}

function issueToken(serial: number, { roles }: SimulatorOptions): object {
  const named = roles === undefined ? ['query-groups', 'query-users', 'view-users'] : roles();
  const claims = {
    iss: 'https://keycloak.example/realms/acme',
    sub: 'service-account-id',
    azp: 'rollcall-sweeper',
    ...(named === null ? {} : { resource_access: { 'realm-management': { roles: named } } }),
  };
  const parts = [{ alg: 'none' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return { access_token: [...parts, serial].join('.'), token_type: 'Bearer', expires_in: 300 };
}

function answer(
  { path, query }: ScriptedRequest,
  people: ReadonlyMap<string, ScriptedPerson>,
): ScriptedAnswer {
  const all = [...people.values()];
  if (path === `${REALM}/users`) return json(200, cut(all.map(renderUser), query));
  if (path === `${REALM}/users/count`) return json(200, all.length);
  if (path === `${REALM}/groups/count`) return json(200, { count: GROUPS.length });
  if (path === `${REALM}/groups`) return json(200, cut(GROUPS.slice(0, 2).map(renderGroup), query));
  // The third is a subgroup of the second, so that the hierarchy is walked.
  if (path === `${REALM}/groups/g-analysts/children`) {
    return json(200, cut([renderGroup('editors')], query));
  }
  const [, group] = /^\/admin\/realms\/acme\/groups\/g-([a-z]+)\/members$/.exec(path) ?? [];
  if (group !== undefined) {
    const members = all.filter(({ groups }) => groups.includes(group));
    return json(200, cut(members.map(renderUser), query));
  }
  const [, id = '', part] = /^\/admin\/realms\/acme\/users\/([^/]+)(\/groups)?$/.exec(path) ?? [];
  const person = people.get(id);
  if (person === undefined) return json(404, { error: 'User not found' });
  if (part === undefined) return json(200, renderUser(person));
  return json(200, cut(person.groups.map(renderGroup), query));
}

function cut<Row>(rows: readonly Row[], query: URLSearchParams): readonly Row[] {
  const first = Number(query.get('first'));
  return rows.slice(first, first + Number(query.get('max')));
}

function renderUser({ id, name, enabled }: ScriptedPerson): object {
  return { id, username: name, enabled, emailVerified: false, access: { manage: false } };
}

function renderGroup(name: string): object {
  const parent = name === 'editors' ? '/analysts' : '';
  const subGroupCount = name === 'analysts' ? 1 : 0;
  return { id: `g-${name}`, name, path: `${parent}/${name}`, subGroupCount, subGroups: [] };
}
