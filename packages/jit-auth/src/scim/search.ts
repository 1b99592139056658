import type { ScimAnswer, ScimCall } from './call.ts';
import { listGroups } from './groups/group-requests.ts';
import { LIST_SCHEMA } from './paging/list-answer.ts';
import { DEFAULT_PAGE, type ListParameters, MAX_PAGE } from './paging/list-query.ts';
import { badRequest } from './scim-error.ts';
import { listUsers } from './users/user-requests.ts';

const SEARCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

/** Reads a search that was posted (RFC 7644 §3.4.3). Throws `invalidSyntax`. */
export function readSearch(body: unknown): ListParameters {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('invalidSyntax', 'A JSON object was expected.');
  }
  const parameters = new Map(Object.entries(body));
  const schemas: unknown = parameters.get('schemas');
  const named = Array.isArray(schemas) && schemas.some((one) => isSearch(one));
  if (!named) throw badRequest('invalidSyntax', `schemas must name ${SEARCH_SCHEMA}.`);
  return Object.fromEntries(parameters);
}

function isSearch(schema: unknown): boolean {
  return typeof schema === 'string' && schema.toLowerCase() === SEARCH_SCHEMA.toLowerCase();
}

/**
 * Searches users and groups together: users first, in one numbering. What a filter asks
 * has to be known to both types, as everywhere: an attribute of one alone is an error.
 */
export async function searchEverything(
  call: ScimCall,
  parameters: ListParameters,
): Promise<ScimAnswer> {
  if (parameters.cursor !== undefined) {
    throw badRequest('invalidCursor', 'Everything together is not paged by cursors.');
  }
  const startIndex = Math.max(1, Number(parameters.startIndex ?? 1));
  const count = Math.min(MAX_PAGE, Math.max(0, Number(parameters.count ?? DEFAULT_PAGE)));
  const users = await readList(listUsers(call, { ...parameters, startIndex, count }));
  const left = count - users.Resources.length;
  const behind = Math.max(1, startIndex - users.totalResults);
  const groups = await readList(
    listGroups(call, { ...parameters, startIndex: behind, count: left }),
  );
  const resources = [...users.Resources, ...groups.Resources];
  const body = {
    schemas: [LIST_SCHEMA],
    totalResults: users.totalResults + groups.totalResults,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
  return { status: 200, body };
}

interface List {
  readonly totalResults: number;
  readonly Resources: readonly object[];
}

async function readList(answer: Promise<ScimAnswer>): Promise<List> {
  return (await answer).body as List;
}
