import type { Actor } from '../core/actor.ts';
import type { UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { personOf, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { lockRecords } from '../db/persons.ts';
import { findUser, grantsOf } from '../db/users.ts';
import type { AccessOutcome, RecordSeparation, RecordsJoin, RefusalCode } from './change.ts';
import { lockPrivilegedRoles } from './privileged.ts';
import { putIntoOutbox, recordAudit } from './record.ts';
import { endSessionsOfUser } from './session-end.ts';

/**
 * Ties two records to one person. Nothing of their lives changes; but what a session may
 * do grows to the roles of both, and `req.user.id` becomes the person's. So all sessions
 * of both end: nobody's rights grow under their hands, and no app sees one session under
 * two ids.
 */
export async function joinRecords(
  tx: Tx,
  change: RecordsJoin,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const { userId, withUserId } = change;
  if (actor.kind !== 'operator') return refused('not_by_hand', null);
  if (userId === withUserId) return refused('same_user', null);
  // Two who hold a privileged role become one: whoever counts holders waits.
  await lockPrivilegedRoles(tx);
  const records = await lockRecords(tx, [userId, withUserId]);
  const user = records.find((one) => one.id === userId);
  const other = records.find((one) => one.id === withUserId);
  if (user === undefined || other === undefined) return refused('no_such_user', null);
  if (user.personId !== null && user.personId === other.personId) {
    return { kind: 'unchanged', user };
  }
  const objection = objectionToJoin(user, other);
  if (objection !== null) return refused(objection, user);

  const person = personOf(other);
  await setPerson(tx, [user.id, other.id], person);
  const told = { kind: 'joined' as const, person, records, evidence: change.evidence };
  const sessionsEnded = await tell(tx, told, actor, now);
  return applied(tx, user.id, sessionsEnded);
}

/** Makes a record stand alone. All sessions of the person end, for the same reasons. */
export async function separateRecord(
  tx: Tx,
  change: RecordSeparation,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  if (actor.kind !== 'operator') return refused('not_by_hand', null);
  await lockPrivilegedRoles(tx);
  const records = await lockRecords(tx, [change.userId]);
  const user = records.find((one) => one.id === change.userId);
  if (user === undefined) return refused('no_such_user', null);
  if (user.personId === null) return { kind: 'unchanged', user };
  const others = records.filter((one) => one.id !== user.id);
  if (user.id === user.personId && others.length > 1) return refused('gives_person_id', user);

  // One that is left is a person by itself.
  const alone = others.length === 1 ? records : [user];
  await setPerson(
    tx,
    alone.map(({ id }) => id),
    null,
  );
  const told = { kind: 'separated' as const, person: user.personId, records };
  const sessionsEnded = await tell(tx, { ...told, evidence: change.evidence }, actor, now);
  return applied(tx, user.id, sessionsEnded);
}

function objectionToJoin(user: User, other: User): RefusalCode | null {
  if (user.personId !== null) return 'already_joined';
  if ([user, other].some(({ state }) => state === 'purge_eligible')) return 'purge_eligible';
  // Else whom an administrator has shut out would stay in as the same person.
  if ((user.cause === 'admin') !== (other.cause === 'admin')) return 'shut_out';
  return null;
}

async function setPerson(tx: Tx, ids: readonly UserId[], person: UserId | null): Promise<void> {
  await tx
    .updateTable('users')
    .set({ person_id: person })
    .where('id', 'in', [...ids])
    .execute();
}

interface Told {
  readonly kind: 'joined' | 'separated';
  readonly person: UserId;
  /** Every record that was, or is, of the person. */
  readonly records: readonly User[];
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Ends the sessions, and tells of each record whom it was joined with or separated from. */
async function tell(tx: Tx, told: Told, actor: Actor, now: EpochMs): Promise<number> {
  const { kind, person, records } = told;
  let ended = 0;
  for (const record of records) {
    const sessions = await endSessionsOfUser(tx, record.id, kind, now);
    ended += sessions;
    const evidence = {
      ...told.evidence,
      person,
      records: records.map(({ id }) => id),
      sessionsEnded: sessions,
    };
    const head = { userId: record.id, connectionId: record.connectionId, reason: 'by_admin' };
    await recordAudit(tx, { kind: `user.${kind}`, ...head, evidence }, actor, now);
    const payload = { profile: record.profile, reason: kind };
    await putIntoOutbox(tx, 'user.changed', record.id, payload, now);
  }
  return ended;
}

async function applied(tx: Tx, id: UserId, sessionsEnded: number): Promise<AccessOutcome> {
  const user = await findUser(tx, id);
  if (user === null) return refused('no_such_user', null);
  const roles = rolesOf(await grantsOf(tx, id));
  return { kind: 'applied', user, roles, created: false, sessionsEnded, kept: [] };
}

function refused(code: RefusalCode, user: User | null): AccessOutcome {
  return { kind: 'refused', code, user };
}
