import { asUserId, type UserId } from '@rollcall/shared/core/ids';

import {
  countScimUsers,
  findScimUser,
  type GroupOfUser,
  groupsOfScimUsers,
  listScimUsers,
  type ScimUserRecord,
} from '@rollcall/shared/db/scim-users';
import type { ScimAnswer, ScimCall, ScimRequest } from '../call.ts';
import { answerInTime } from '../paging/bounded.ts';
import { answerList } from '../paging/list-answer.ts';
import { type ListParameters, type ListQuery, readListQuery } from '../paging/list-query.ts';
import { findPlace } from '../paging/place.ts';
import { applyPatch } from '../patch/apply-patch.ts';
import { readPatch } from '../patch/patch-request.ts';
import { notFound } from '../refusals.ts';
import { isWanted, type Projection, readProjection } from '../resource/projection.ts';
import { readResource } from '../resource/read-resource.ts';
import { heldAt, type ScimObject, withValue } from '../resource/scim-value.ts';
import { USER } from '../schema/user.ts';
import { badRequest } from '../scim-error.ts';
import { USER_INDEXES, USER_SCOPE, userOrder } from './user-scope.ts';
import { showUser, userEtag, userLocation } from './user-view.ts';
import { changeUser, createUser, deleteUser } from './write-user.ts';

/** `POST /Users` (RFC 7644 §3.3). */
export async function postUser(call: ScimCall, request: ScimRequest): Promise<ScimAnswer> {
  const record = await createUser(call, readResource(request.body, USER));
  // Somebody new is in no group yet.
  return answerOf(call, request, record, [], 201);
}

/** `GET /Users/{id}` (RFC 7644 §3.4.1). */
export async function getUser(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const record = await findScimUser(call.db, call.connection.id, requireId(id));
  if (record === null) throw notFound('user');
  const known = request.ifNoneMatch?.split(',').some((tag) => tag.trim() === userEtag(record));
  if (known === true) return { status: 304, body: null, etag: userEtag(record) };
  return answerWith(call, request, record, 200);
}

/** `PUT /Users/{id}` (RFC 7644 §3.5.1): what is not named is not assigned any more. */
export async function putUser(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const resource = readResource(request.body, USER);
  requireSameId(request.body, id);
  const record = await changeUser(call, requireId(id), request.ifMatch, (held) => {
    // Whoever does not say that somebody is active has not said that they may come back.
    const active = heldAt(resource, 'active') ?? held.active;
    return withValue(resource, 'active', active);
  });
  return answerWith(call, request, record, 200);
}

/** `PATCH /Users/{id}` (RFC 7644 §3.5.2). */
export async function patchUser(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const operations = readPatch(request.body);
  const record = await changeUser(call, requireId(id), request.ifMatch, (held) => {
    const { resource } = applyPatch(held.resource as ScimObject, operations, USER);
    // `remove active` leaves nobody active.
    return withValue(resource, 'active', heldAt(resource, 'active') ?? false);
  });
  return answerWith(call, request, record, 200);
}

/** `DELETE /Users/{id}` (RFC 7644 §3.6). */
export async function removeUser(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  await deleteUser(call, requireId(id), request.ifMatch);
  return { status: 204, body: null };
}

/** `GET /Users` (RFC 7644 §3.4.2). */
export async function listUsers(call: ScimCall, parameters: ListParameters): Promise<ScimAnswer> {
  const query = readListQuery(parameters, SEARCHING);
  if (query.isQuick) return answerUsers(call, query);
  return answerInTime(call, (bounded) => answerUsers(bounded, query));
}

const SEARCHING = { type: USER, scope: USER_SCOPE, indexed: USER_INDEXES, orderBy: userOrder };

function answerUsers(call: ScimCall, query: ListQuery): Promise<ScimAnswer> {
  const { where, order, projection } = query;
  const { db, connection } = call;
  return answerList<ScimUserRecord>(call, query, {
    read: (page) => listScimUsers(db, connection.id, { where, order, ...page }),
    count: () => countScimUsers(db, connection.id, where),
    place: (offset) => findPlace(call, 'User', offset),
    show: (rows) => showUsers(call, rows, projection),
  });
}

async function answerWith(
  call: ScimCall,
  request: ScimRequest,
  record: ScimUserRecord,
  status: number,
): Promise<ScimAnswer> {
  const wanted = isWanted('groups', projectionOf(request));
  const groups = wanted ? await groupsOfScimUsers(call.db, [record.id]) : new Map();
  return answerOf(call, request, record, groups.get(record.id) ?? [], status);
}

function answerOf(
  { baseUrl }: ScimCall,
  request: ScimRequest,
  record: ScimUserRecord,
  groups: readonly GroupOfUser[],
  status: number,
): ScimAnswer {
  const body = showUser(record, groups, baseUrl, projectionOf(request));
  return { status, body, etag: userEtag(record), location: userLocation(baseUrl, record) };
}

function projectionOf({ query }: ScimRequest): Projection {
  return readProjection(USER, query.get('attributes'), query.get('excludedAttributes'));
}

async function showUsers(
  { db, baseUrl }: ScimCall,
  records: readonly ScimUserRecord[],
  wanted: Projection,
): Promise<readonly object[]> {
  const ids = isWanted('groups', wanted) ? records.map(({ id }) => id) : [];
  const groups = await groupsOfScimUsers(db, ids);
  return records.map((record) => showUser(record, groups.get(record.id) ?? [], baseUrl, wanted));
}

/** What is no id of ours is the id of nobody. */
function requireId(text: string): UserId {
  const id = asUserId(text);
  if (id === null) throw notFound('user');
  return id;
}

/** RFC 7644 §3.5.1: a body with another id is meant for somebody else. */
export function requireSameId(body: unknown, id: string): void {
  const entry = Object.entries(body as object).find(([name]) => name.toLowerCase() === 'id');
  if (entry === undefined || entry[1] === null || entry[1] === id) return;
  throw badRequest('invalidValue', 'The id of the body is another than that of the address.');
}
