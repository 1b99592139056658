import { sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import { isPurged, rolesOf, type User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { grantsOf, lockUser, toUser } from '../db/users.ts';
import { auditViewOf, recordAudit } from './record.ts';

/** Somebody is another's from now on: SCIM's, or the roll-call's. */
export interface HandOver {
  readonly userId: UserId;
  readonly to: 'scim' | 'roll';
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What became of it. */
export type HandedOver =
  | { readonly kind: 'handed_over' | 'unchanged'; readonly user: User }
  | { readonly kind: 'refused'; readonly code: 'no_such_user' | 'not_by_hand' | 'purged' };

/**
 * Changes who answers for the life of a user. Access, sessions and roles stay as they are.
 *
 * To the roll-call: grants that SCIM gave become grants that sign-ins and sweeps keep
 * honest, or nobody would ever take them. Whom SCIM had set inactive then is out by an
 * administrator, who made the change, and alone may let them in again: neither an old
 * session at the identity provider nor a listing may (invariant 5).
 *
 * To SCIM: whom the sweep had taken out is out by SCIM, which may bring them back.
 */
export async function handOver(
  tx: Tx,
  { userId, to, evidence }: HandOver,
  actor: Actor,
  now: EpochMs,
): Promise<HandedOver> {
  if (actor.kind !== 'operator') return { kind: 'refused', code: 'not_by_hand' };
  const user = await lockUser(tx, userId);
  if (user === null) return { kind: 'refused', code: 'no_such_user' };
  if (isPurged(user)) return { kind: 'refused', code: 'purged' };
  if (user.owner === to) return { kind: 'unchanged', user };
  const before = rolesOf(await grantsOf(tx, userId));
  if (to === 'roll') await moveGrants(tx, user);
  const row = await tx
    .updateTable('users')
    .set({
      owner: to,
      cause: causeAfter(user, to),
      state: to === 'scim' && user.state === 'suspected' ? 'active' : user.state,
      version: user.version + 1,
    })
    .where('id', '=', userId)
    .returningAll()
    .executeTakeFirstOrThrow();
  const after = toUser(row);
  const fact = {
    kind: 'user.handed_over' as const,
    userId,
    connectionId: user.connectionId,
    reason: 'handed_over',
    evidence: { ...evidence, from: user.owner, to },
    before: auditViewOf(user, before),
    after: auditViewOf(after, rolesOf(await grantsOf(tx, userId))),
  };
  await recordAudit(tx, fact, actor, now);
  return { kind: 'handed_over', user: after };
}

function causeAfter({ cause }: User, to: HandOver['to']): User['cause'] {
  if (to === 'scim') return cause === 'sweep' ? 'scim' : cause;
  return cause === 'scim' ? 'admin' : cause;
}

async function moveGrants(tx: Tx, { id }: User): Promise<void> {
  await sql`
    insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
    select user_id, role, connection_id, 'roll', seen_in, privileged, because, first_seen_at, last_seen_at
      from grants where user_id = ${id} and channel = 'scim'
    on conflict do nothing`.execute(tx);
  await tx.deleteFrom('grants').where('user_id', '=', id).where('channel', '=', 'scim').execute();
}
