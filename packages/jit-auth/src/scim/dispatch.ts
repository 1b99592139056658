import { answerBulk } from './bulk/bulk.ts';
import type { ScimAnswer, ScimCall, ScimRequest } from './call.ts';
import {
  getResourceType,
  getSchema,
  getServiceProviderConfig,
  listResourceTypes,
  listSchemas,
} from './discovery/discovery-requests.ts';
import {
  getGroup,
  listGroups,
  patchGroup,
  postGroup,
  putGroup,
  removeGroup,
} from './groups/group-requests.ts';
import type { ListParameters } from './paging/list-query.ts';
import { ScimError } from './scim-error.ts';
import { readSearch, searchEverything } from './search.ts';
import {
  getUser,
  listUsers,
  patchUser,
  postUser,
  putUser,
  removeUser,
} from './users/user-requests.ts';

type Handler = (
  call: ScimCall,
  request: ScimRequest,
  id: string,
) => Promise<ScimAnswer> | ScimAnswer;
type Methods = Readonly<Partial<Record<string, Handler>>>;

/** What there is, by the first part of the path: of the whole, and of one by its id. */
const ROUTES: Readonly<Record<string, { readonly all: Methods; readonly one: Methods }>> = {
  Users: {
    all: { GET: (call, request) => listUsers(call, parametersOf(request)), POST: postUser },
    one: { GET: getUser, PUT: putUser, PATCH: patchUser, DELETE: removeUser },
  },
  Groups: {
    all: { GET: (call, request) => listGroups(call, parametersOf(request)), POST: postGroup },
    one: { GET: getGroup, PUT: putGroup, PATCH: patchGroup, DELETE: removeGroup },
  },
  ServiceProviderConfig: { all: { GET: getServiceProviderConfig }, one: {} },
  ResourceTypes: {
    all: { GET: listResourceTypes },
    one: { GET: (call, _request, name) => getResourceType(call, name) },
  },
  Schemas: {
    all: { GET: listSchemas },
    one: { GET: (call, _request, urn) => getSchema(call, urn) },
  },
  Bulk: { all: { POST: (call, request) => answerBulk(call, request, dispatch) }, one: {} },
  Me: { all: {}, one: {} },
};

/**
 * Carries a request out and says what to answer (RFC 7644 §3.2). Throws `ScimError`, and
 * whatever the database throws.
 */
export async function dispatch(call: ScimCall, request: ScimRequest): Promise<ScimAnswer> {
  const [head = '', ...rest] = request.path.split('/').filter((part) => part !== '');
  if (head === '.search' && rest.length === 0) return search(call, request);
  const route = Object.hasOwn(ROUTES, head) ? ROUTES[head] : undefined;
  if (head === 'Me') throw noMe();
  if (route === undefined || rest.length > 1) throw nothingHere();
  const [id] = rest;
  if (id === '.search') return search(call, request, head);
  const methods = id === undefined ? route.all : route.one;
  const handler = methods[request.method];
  if (handler !== undefined) return handler(call, request, decoded(id ?? ''));
  if (Object.keys(methods).length === 0) throw nothingHere();
  throw new ScimError(
    405,
    null,
    'scim.method',
    `${request.method} is not what this address takes.`,
  );
}

/** `POST /.search`, over everything or one type (RFC 7644 §3.4.3). */
async function search(call: ScimCall, request: ScimRequest, head?: string): Promise<ScimAnswer> {
  if (request.method !== 'POST') {
    throw new ScimError(405, null, 'scim.method', 'A search is posted.');
  }
  const parameters = readSearch(request.body);
  if (head === 'Users') return listUsers(call, parameters);
  if (head === 'Groups') return listGroups(call, parameters);
  if (head !== undefined) throw nothingHere();
  return searchEverything(call, parameters);
}

function parametersOf({ query }: ScimRequest): ListParameters {
  return Object.fromEntries(query);
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return '';
  }
}

function nothingHere(): ScimError {
  return new ScimError(404, null, 'scim.not_found', 'There is nothing at this address.');
}

/** RFC 7644 §3.11: a token stands for a client, and a client is nobody. */
function noMe(): ScimError {
  return new ScimError(501, null, 'scim.no_me', 'A token stands for no user, so nobody is Me.');
}
