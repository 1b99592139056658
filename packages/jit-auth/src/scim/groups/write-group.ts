import { randomUUID } from 'node:crypto';
import { asUserId, type ScimGroupId, type UserId } from '@rollcall/shared/core/ids';
import type { Tx } from '@rollcall/shared/db/database';
import {
  addMembers,
  deleteScimGroup,
  findScimGroup,
  insertScimGroup,
  knownScimUsers,
  lockScimGroup,
  memberIdsOf,
  removeMembers,
  type ScimGroupRecord,
  selectMembers,
  touchScimGroup,
  updateScimGroup,
} from '@rollcall/shared/db/scim-groups';
import type { ScimCall } from '../call.ts';
import { filterToSql } from '../filter-sql.ts';
import type { MemberStep } from '../patch/member-steps.ts';
import { notFound } from '../refusals.ts';
import { groupFacts } from '../resource/group-facts.ts';
import { isSameValue, type ScimObject } from '../resource/scim-value.ts';
import { isRuled } from '../role-mapping.ts';
import { badRequest } from '../scim-error.ts';
import { inScimTransaction, requireVersion } from '../users/write-user.ts';
import { writeRoles } from '../write-roles.ts';
import { MEMBER_SCOPE } from './group-scope.ts';
import { groupEtag } from './group-view.ts';

/** Makes a group with its members. */
export function createGroup(
  call: ScimCall,
  resource: ScimObject,
  members: readonly string[],
): Promise<ScimGroupRecord> {
  const facts = groupFacts(resource);
  return inScimTransaction(call, async (tx) => {
    const id = randomUUID() as ScimGroupId;
    await insertScimGroup(tx, call.connection.id, id, facts, call.now);
    const added = await addMembers(tx, id, await requireUsers(tx, call, members));
    await settleRoles(tx, call, isRuled(facts.displayName, call.connection) ? added : []);
    return requireRecord(tx, call, id);
  });
}

/** What becomes of a group under the lock. */
export interface GroupEdit {
  /** Null: the attributes stay as they are. */
  readonly attributes: ((held: ScimObject) => ScimObject) | null;
  readonly members: readonly MemberStep[];
}

/** Changes a group. Whoever would change the same one waits, so that no change is lost. */
export function changeGroup(
  call: ScimCall,
  id: ScimGroupId,
  ifMatch: string | null,
  edit: GroupEdit,
): Promise<ScimGroupRecord> {
  return inScimTransaction(call, async (tx) => {
    const held = await lock(tx, call, id, ifMatch);
    const before = held.resource as ScimObject;
    const after = edit.attributes === null ? before : edit.attributes(before);
    const renamed = await rename(tx, call, held, after);
    const moved = new Set<UserId>();
    for (const step of edit.members) {
      for (const user of await carryOut(tx, call, id, step)) moved.add(user);
    }
    if (moved.size > 0 && isSameValue(before, after)) await touchScimGroup(tx, id, call.now);
    const ruled = isRuled(held.displayName, call.connection) || renamed.isRuled;
    const concerned = renamed.otherName ? [...moved, ...(await memberIdsOf(tx, id))] : [...moved];
    await settleRoles(tx, call, ruled ? concerned : []);
    return requireRecord(tx, call, id);
  });
}

/** Deletes a group; its members lose what it gave. */
export async function deleteGroup(
  call: ScimCall,
  id: ScimGroupId,
  ifMatch: string | null,
): Promise<void> {
  await inScimTransaction(call, async (tx) => {
    const held = await lock(tx, call, id, ifMatch);
    const ruled = isRuled(held.displayName, call.connection);
    const members = ruled ? await memberIdsOf(tx, id) : [];
    await deleteScimGroup(tx, id);
    await settleRoles(tx, call, members);
  });
}

async function rename(
  tx: Tx,
  call: ScimCall,
  held: ScimGroupRecord,
  after: ScimObject,
): Promise<{ readonly otherName: boolean; readonly isRuled: boolean }> {
  const facts = groupFacts(after);
  const otherName = facts.displayName !== held.displayName;
  if (!isSameValue(held.resource as ScimObject, after)) {
    await updateScimGroup(tx, held.id, facts, call.now);
  }
  return { otherName, isRuled: isRuled(facts.displayName, call.connection) };
}

/** Answers with those who have become members, or are none any more. */
async function carryOut(
  tx: Tx,
  call: ScimCall,
  id: ScimGroupId,
  step: MemberStep,
): Promise<readonly UserId[]> {
  switch (step.kind) {
    case 'add':
      return addMembers(tx, id, await requireUsers(tx, call, step.ids));
    case 'remove':
      return removeMembers(tx, id, idsIn(step.ids));
    case 'remove_all':
      return removeMembers(tx, id, await memberIdsOf(tx, id));
    case 'remove_where': {
      const selected = await selectMembers(tx, id, filterToSql(step.where, MEMBER_SCOPE));
      return removeMembers(tx, id, selected);
    }
    case 'replace': {
      const wanted = new Set(await requireUsers(tx, call, step.ids));
      const held = await memberIdsOf(tx, id);
      const gone = await removeMembers(
        tx,
        id,
        held.filter((one) => !wanted.has(one)),
      );
      return [...gone, ...(await addMembers(tx, id, [...wanted]))];
    }
    default:
      return step satisfies never;
  }
}

/** Those who are named have to be users of the connection: nobody is made by being a member. */
async function requireUsers(
  tx: Tx,
  call: ScimCall,
  ids: readonly string[],
): Promise<readonly UserId[]> {
  const wanted = idsIn(ids);
  const known = await knownScimUsers(tx, call.connection.id, wanted);
  if (wanted.length === ids.length && known.size === wanted.length) return wanted;
  const stranger = ids.find((id) => !known.has(id as UserId)) ?? '';
  throw badRequest('invalidValue', `No user has the id ${JSON.stringify(stranger.slice(0, 80))}.`);
}

function idsIn(ids: readonly string[]): readonly UserId[] {
  return [...new Set(ids.flatMap((id) => asUserId(id.toLowerCase()) ?? []))];
}

function settleRoles(tx: Tx, call: ScimCall, people: readonly UserId[]): Promise<void> {
  return writeRoles(tx, call, { people, reason: 'scim_groups', returning: null });
}

async function lock(
  tx: Tx,
  call: ScimCall,
  id: ScimGroupId,
  ifMatch: string | null,
): Promise<ScimGroupRecord> {
  const held = await lockScimGroup(tx, call.connection.id, id);
  if (held === null) throw notFound('group');
  requireVersion(ifMatch, groupEtag(held));
  return held;
}

async function requireRecord(tx: Tx, call: ScimCall, id: ScimGroupId): Promise<ScimGroupRecord> {
  const record = await findScimGroup(tx, call.connection.id, id);
  if (record === null) throw notFound('group');
  return record;
}
