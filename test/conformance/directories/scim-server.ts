import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import type { ScriptedHarness } from '../directory-contract.ts';
import { scriptHarness } from './script-harness.ts';
import { ASSIGNMENT_GROUP, GROUPS, type ScriptedPerson, somePeople } from './scripted-people.ts';
import { json, type ScriptedAnswer, type ScriptedRequest } from './scripted-server.ts';

/** How the scripted server pages, and where it tells of groups. */
export interface ScimServerOptions {
  readonly paging: 'index' | 'cursor';
  readonly groupsIn: 'users' | 'groups' | 'nowhere';
  readonly assignmentGroup: boolean;
  readonly pageSize?: number;
}

const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0';
const TOKEN = 'scripted-token';
const SCIM = 'application/scim+json';

/** The SCIM adapter in front of a scripted SCIM server with {@link somePeople}. */
export function openScimServer(options: ScimServerOptions): Promise<ScriptedHarness> {
  const people = new Map(somePeople().map((person) => [person.id, person]));
  return scriptHarness({
    people,
    answer: (request) => answer(request, people, options),
    positionOf: ({ path, query }) =>
      path === '/scim/v2/Users' ? (query.get('cursor') ?? query.get('startIndex')) : null,
    isLookUp: ({ path }) => /^\/scim\/v2\/Users\/./.test(path),
    moveTo: (request, position) => moveTo(request, position, options),
    readRows: (body) => (JSON.parse(body) as { Resources: unknown[] }).Resources,
    // A server that repeats a page believes that it is the one asked for.
    writeRows: (body, rows, position) =>
      JSON.stringify({
        ...(JSON.parse(body) as object),
        Resources: rows,
        ...(options.paging === 'index' ? { startIndex: Number(position) } : {}),
      }),
    lookUpAbsent: scimError(404),
    foreignAbsences: [
      json(404, { error: 'User not found' }),
      json(404, { schemas: [`${MESSAGES}:Error`], status: '403' }),
      { ...scimError(404), type: 'text/html' },
    ],
    open: (url, timeoutMs, time) =>
      scimDirectory({
        url: `${url}/scim/v2`,
        token: async () => TOKEN,
        assignmentGroup: options.assignmentGroup ? ASSIGNMENT_GROUP : null,
        timeoutMs,
        time,
        pageSize: options.pageSize ?? 3,
      }),
    unassigns: options.assignmentGroup,
    tellsGroups: options.groupsIn !== 'nowhere',
  });
}

/** An error in the shape of RFC 7644 §3.12. */
export function scimError(status: number, scimType?: string): ScriptedAnswer {
  const body = { schemas: [`${MESSAGES}:Error`], status: String(status), scimType };
  return json(status, body, SCIM);
}

function answer(
  request: ScriptedRequest,
  people: ReadonlyMap<string, ScriptedPerson>,
  options: ScimServerOptions,
): ScriptedAnswer {
  const { path, query } = request;
  if (request.authorization !== `Bearer ${TOKEN}`) return scimError(401);
  if (path === '/scim/v2/ServiceProviderConfig') return json(200, describeServer(options), SCIM);
  if (path === '/scim/v2/Users') {
    const rows = [...people.values()].map((person) => renderUser(person, options));
    return json(200, renderPage(rows, query, options), SCIM);
  }
  const id = path.replace('/scim/v2/Users/', '');
  const person = people.get(id);
  if (person !== undefined) return json(200, renderUser(person, options), SCIM);
  if (path === '/scim/v2/Groups' && options.groupsIn !== 'nowhere') {
    const rows = renderGroups(people, query.get('excludedAttributes') !== 'members');
    return json(200, renderPage(rows, query, options), SCIM);
  }
  return scimError(404);
}

function describeServer({ paging }: ScimServerOptions): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    sort: { supported: true },
    pagination: { cursor: paging === 'cursor', index: true, defaultPaginationMethod: paging },
  };
}

/** Sorted by id; cursors are `after:<id>`, so that they survive joining and leaving. */
function renderPage(
  rows: readonly { readonly id: string }[],
  query: URLSearchParams,
  { paging }: ScimServerOptions,
): object {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  const count = Number(query.get('count') ?? 100);
  const schemas = [`${MESSAGES}:ListResponse`];
  const cursor = query.get('cursor');
  if (paging === 'cursor' && cursor !== null) {
    const rest = sorted.filter(({ id }) => id > cursor.replace('after:', ''));
    const Resources = rest.slice(0, count);
    const nextCursor = rest.length > count ? `after:${Resources.at(-1)?.id}` : undefined;
    return { schemas, totalResults: rows.length, Resources, nextCursor };
  }
  const startIndex = Number(query.get('startIndex') ?? 1);
  const Resources = sorted.slice(startIndex - 1, startIndex - 1 + count);
  return {
    schemas,
    totalResults: rows.length,
    startIndex,
    itemsPerPage: Resources.length,
    Resources,
  };
}

function renderUser(person: ScriptedPerson, { groupsIn, assignmentGroup }: ScimServerOptions) {
  const names = [
    ...person.groups,
    ...(assignmentGroup && person.assigned ? [ASSIGNMENT_GROUP] : []),
  ];
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    id: person.id,
    userName: person.name,
    // RFC 7643 §2.5: an attribute may be left out, and `active` is one that servers leave out.
    ...(person.enabled ? {} : { active: false }),
    ...(groupsIn === 'users'
      ? { groups: names.map((name) => ({ value: `g-${name}`, display: name })) }
      : {}),
  };
}

function renderGroups(people: ReadonlyMap<string, ScriptedPerson>, withMembers: boolean) {
  return [...GROUPS, ASSIGNMENT_GROUP].map((name) => {
    const members = [...people.values()].filter((person) =>
      name === ASSIGNMENT_GROUP ? person.assigned : person.groups.includes(name),
    );
    return {
      id: `g-${name}`,
      displayName: name,
      ...(withMembers ? { members: members.map(({ id }) => ({ value: id, type: 'User' })) } : {}),
    };
  });
}

function moveTo(
  request: ScriptedRequest,
  position: string,
  { paging }: ScimServerOptions,
): ScriptedRequest {
  const query = new URLSearchParams(request.query);
  query.set(paging === 'cursor' ? 'cursor' : 'startIndex', position);
  return { ...request, query };
}
