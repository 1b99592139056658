import { asScimGroupId, type ScimGroupId } from '@rollcall/shared/core/ids';

import {
  countScimGroups,
  findScimGroup,
  listScimGroups,
  membersOfScimGroups,
  type ScimGroupRecord,
} from '@rollcall/shared/db/scim-groups';
import type { ScimAnswer, ScimCall, ScimRequest } from '../call.ts';
import { answerInTime } from '../paging/bounded.ts';
import { answerList } from '../paging/list-answer.ts';
import { type ListParameters, type ListQuery, readListQuery } from '../paging/list-query.ts';
import { findPlace } from '../paging/place.ts';
import { applyPatch } from '../patch/apply-patch.ts';
import { membersIn, namesMembers, takeMembersOut } from '../patch/member-steps.ts';
import { readPatch } from '../patch/patch-request.ts';
import { notFound } from '../refusals.ts';
import { isWanted, type Projection, readProjection } from '../resource/projection.ts';
import { readResource } from '../resource/read-resource.ts';
import { type ScimObject, withValue } from '../resource/scim-value.ts';
import { GROUP } from '../schema/group.ts';
import { requireSameId } from '../users/user-requests.ts';
import { GROUP_INDEXES, GROUP_SCOPE, groupOrder } from './group-scope.ts';
import { groupEtag, groupLocation, showGroup } from './group-view.ts';
import { changeGroup, createGroup, deleteGroup } from './write-group.ts';

/** `POST /Groups` (RFC 7644 §3.3). */
export async function postGroup(call: ScimCall, request: ScimRequest): Promise<ScimAnswer> {
  const members = membersIn(request.body) ?? [];
  const record = await createGroup(call, readGroup(request.body), members);
  return answerWith(call, request, record, 201);
}

/** `GET /Groups/{id}` (RFC 7644 §3.4.1). */
export async function getGroup(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const record = await findScimGroup(call.db, call.connection.id, requireId(id));
  if (record === null) throw notFound('group');
  const known = request.ifNoneMatch?.split(',').some((tag) => tag.trim() === groupEtag(record));
  if (known === true) return { status: 304, body: null, etag: groupEtag(record) };
  return answerWith(call, request, record, 200);
}

/** `PUT /Groups/{id}` (RFC 7644 §3.5.1): members that are not named are none any more. */
export async function putGroup(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const resource = readGroup(request.body);
  requireSameId(request.body, id);
  const ids = membersIn(request.body) ?? [];
  const record = await changeGroup(call, requireId(id), request.ifMatch, {
    attributes: () => resource,
    members: [{ kind: 'replace', ids }],
  });
  return answerWith(call, request, record, 200);
}

/**
 * `PATCH /Groups/{id}` (RFC 7644 §3.5.2). Answered without a body where the client did not
 * ask for attributes: nobody wants fifty thousand members for having added one.
 */
export async function patchGroup(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  const { members, others } = takeMembersOut(readPatch(request.body));
  const record = await changeGroup(call, requireId(id), request.ifMatch, {
    attributes: (held) => applyPatch(held, others, GROUP).resource,
    members,
  });
  if (request.query.has('attributes')) return answerWith(call, request, record, 200);
  return { status: 204, body: null, etag: groupEtag(record) };
}

/** `DELETE /Groups/{id}` (RFC 7644 §3.6). */
export async function removeGroup(
  call: ScimCall,
  request: ScimRequest,
  id: string,
): Promise<ScimAnswer> {
  await deleteGroup(call, requireId(id), request.ifMatch);
  return { status: 204, body: null };
}

/** `GET /Groups` (RFC 7644 §3.4.2). */
export async function listGroups(call: ScimCall, parameters: ListParameters): Promise<ScimAnswer> {
  const query = readListQuery(parameters, SEARCHING);
  if (query.isQuick) return answerGroups(call, query);
  return answerInTime(call, (bounded) => answerGroups(bounded, query));
}

const SEARCHING = { type: GROUP, scope: GROUP_SCOPE, indexed: GROUP_INDEXES, orderBy: groupOrder };

function answerGroups(call: ScimCall, query: ListQuery): Promise<ScimAnswer> {
  const { where, order, projection } = query;
  const { db, connection } = call;
  return answerList<ScimGroupRecord>(call, query, {
    read: (page) => listScimGroups(db, connection.id, { where, order, ...page }),
    count: () => countScimGroups(db, connection.id, where),
    place: (offset) => findPlace(call, 'Group', offset),
    show: (rows) => showGroups(call, rows, projection),
  });
}

/** A group without its members, which are kept apart. */
function readGroup(body: unknown): ScimObject {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const plain = isObject
    ? Object.fromEntries(Object.entries(body).filter(([name]) => !namesMembers(name)))
    : body;
  return withValue(readResource(plain, GROUP), 'members', undefined);
}

async function answerWith(
  call: ScimCall,
  { query }: ScimRequest,
  record: ScimGroupRecord,
  status: number,
): Promise<ScimAnswer> {
  const wanted = readProjection(GROUP, query.get('attributes'), query.get('excludedAttributes'));
  const [body = null] = await showGroups(call, [record], wanted);
  const location = groupLocation(call.baseUrl, record);
  return { status, body, etag: groupEtag(record), location };
}

async function showGroups(
  { db, baseUrl }: ScimCall,
  records: readonly ScimGroupRecord[],
  wanted: Projection,
): Promise<readonly object[]> {
  const ids = isWanted('members', wanted) ? records.map(({ id }) => id) : [];
  const members = await membersOfScimGroups(db, ids);
  return records.map((record) => showGroup(record, members.get(record.id) ?? [], baseUrl, wanted));
}

function requireId(text: string): ScimGroupId {
  const id = asScimGroupId(text);
  if (id === null) throw notFound('group');
  return id;
}
