import { sql } from 'kysely';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import { isSameNameId, lockNameId } from '../db/logouts.ts';
import { fromNullableTimestamp, toTimestamp } from '../db/timestamp.ts';
import type { SignIn } from './change.ts';

/** Whether a session may be made by the connection, and under which epoch. */
export type Admission =
  | { readonly kind: 'open'; readonly connectionEpoch: number }
  | { readonly kind: 'refused'; readonly code: 'signed_out_since' | 'no_such_connection' };

/**
 * Asks whether sessions were ended while the sign-in was on its way: those of the
 * connection, or those of its NameID by a LogoutRequest that overtook the assertion.
 * No logout of this NameID happens from here until the transaction ends; and where the
 * connection's sessions are ended meanwhile, the epoch that was read here is a passed one.
 */
export async function lockAdmission(tx: Tx, change: SignIn): Promise<Admission> {
  const { connectionId, session } = change;
  await lockNameId(tx, connectionId, session.nameId);
  const row = await tx
    .selectFrom('connections')
    .select((select) => [
      'epoch',
      'sessions_ended_at',
      select
        .exists(
          select
            .selectFrom('logouts')
            .select('request_id')
            .where('logouts.connection_id', '=', connectionId)
            .where(isSameNameId('logouts', session.nameId))
            .where('issued_at', '>=', toTimestamp(change.issuedAt))
            .where((where) =>
              where.or([
                where('session_indexes', 'is', null),
                sql<boolean>`${session.sessionIndex} = any(session_indexes)`,
              ]),
            ),
        )
        .as('logged_out'),
    ])
    .where('id', '=', connectionId)
    .executeTakeFirst();
  if (row === undefined) return { kind: 'refused', code: 'no_such_connection' };
  const endedAt = fromNullableTimestamp(row.sessions_ended_at);
  if (row.logged_out || isBegunBefore(endedAt, change)) {
    return { kind: 'refused', code: 'signed_out_since' };
  }
  return { kind: 'open', connectionEpoch: row.epoch };
}

/** Whether a sign-in was begun before sessions were ended; one that came unasked, when it was issued. */
export function isBegunBefore(endedAt: EpochMs | null, change: SignIn): boolean {
  return endedAt !== null && (change.begunAt ?? change.issuedAt) <= endedAt;
}
