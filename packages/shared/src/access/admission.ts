import { type RawBuilder, type Selectable, type SqlBool, sql } from 'kysely';
import { after, type EpochMs } from '../core/time.ts';
import type { Grant, User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { fromJsonRow, type JsonRow } from '../db/json-row.ts';
import { isSameNameId, lockNameId } from '../db/logouts.ts';
import type { GrantsTable, UsersTable } from '../db/tables.ts';
import { fromNullableTimestamp, toTimestamp } from '../db/timestamp.ts';
import { grantsOf, toGrant, toUser } from '../db/users.ts';
import type { SignIn } from './change.ts';
import { isPrivileged, lockPrivilegedRoles, PRIVILEGED_LOCK } from './privileged.ts';

/** Somebody whose row is locked, with the grants that they hold. */
export interface LockedUser {
  readonly user: User;
  readonly grants: readonly Grant[];
}

/** Whether a session may be made by the connection, under which epoch, and for whom. */
export type Admission =
  | {
      readonly kind: 'open';
      readonly connectionEpoch: number;
      /** Null: nobody with this subject is known. */
      readonly known: LockedUser | null;
    }
  | { readonly kind: 'refused'; readonly code: 'signed_out_since' | 'no_such_connection' };

/**
 * Asks whether sessions were ended while the sign-in was on its way: those of the
 * connection, or those of its NameID by a LogoutRequest that overtook the assertion.
 * No logout of this NameID happens from here until the transaction ends; and where the
 * connection's sessions are ended meanwhile, the epoch that was read here is a passed one.
 *
 * Locks the user's row, if there is one, in the same round trip.
 */
export async function lockAdmission(tx: Tx, change: SignIn): Promise<Admission> {
  await lockNameId(tx, change.connectionId, change.session.nameId);
  const row = await lockUserOf(tx, change);
  if (row === undefined) return { kind: 'refused', code: 'no_such_connection' };
  const endedAt = fromNullableTimestamp(row.connection_sessions_ended_at);
  if (row.logged_out || isBegunBefore(endedAt, change)) {
    return { kind: 'refused', code: 'signed_out_since' };
  }
  const known = row.known === null ? null : await readLocked(tx, row, change.privilegedRoles);
  return { kind: 'open', connectionEpoch: row.connection_epoch, known };
}

/**
 * Whether a sign-in was begun before sessions were ended. One that came unasked has only the
 * time of its identity provider, whose clock may be ahead: it counts as issued as early as
 * it can have been.
 */
export function isBegunBefore(
  endedAt: EpochMs | null,
  { begunAt, issuedAt, clockSkewMs }: SignIn,
): boolean {
  return endedAt !== null && (begunAt ?? after(issuedAt, -clockSkewMs)) <= endedAt;
}

interface OfConnection {
  readonly connection_epoch: number;
  readonly connection_sessions_ended_at: Date | null;
  readonly logged_out: boolean;
}

interface KnownRow {
  readonly known: JsonRow<Selectable<UsersTable>>;
  /** Whether the privileged lock is held. */
  readonly guarded: boolean;
  /** The version that the statement saw before it waited for the row. */
  readonly version_seen: number;
  readonly grants_seen: readonly JsonRow<Selectable<GrantsTable>>[];
}

type Row = OfConnection & (KnownRow | { readonly known: null });

/**
 * One statement, whose order is the order of locks: the privileged one where the user
 * holds such a role, then the row. Rows come as JSON: the driver takes longer over the
 * groups of one user than Postgres over all of this.
 */
async function lockUserOf(tx: Tx, change: SignIn): Promise<Row | undefined> {
  const { connectionId, subject, privilegedRoles } = change;
  const { rows } = await sql<Row>`
    with guarded as materialized (
      select id, version,
             case when exists (select 1 from grants where user_id = users.id
                                and (privileged or role = any(${[...privilegedRoles]})))
                  then pg_advisory_xact_lock(${PRIVILEGED_LOCK})::text is not null
                  else false end as guarded
        from users where connection_id = ${connectionId} and subject = ${subject}
    ), locked as materialized (
      select to_json(users) as known, guarded.guarded, guarded.version as version_seen,
             (select coalesce(json_agg(grants order by role, connection_id, channel), '[]')
                from grants where user_id = users.id) as grants_seen
        from guarded join users on users.id = guarded.id
         for update of users
    )
    select connections.epoch as connection_epoch,
           connections.sessions_ended_at as connection_sessions_ended_at,
           ${isLoggedOut(tx, change)} as logged_out, locked.*
      from connections left join locked on true
     where connections.id = ${connectionId}`.execute(tx);
  return rows[0];
}

function isLoggedOut(tx: Tx, { connectionId, session, issuedAt }: SignIn): RawBuilder<SqlBool> {
  const overtaken = tx
    .selectFrom('logouts')
    .select('request_id')
    .where('logouts.connection_id', '=', connectionId)
    .where(isSameNameId('logouts', session.nameId))
    .where('issued_at', '>=', toTimestamp(issuedAt))
    .where((where) =>
      where.or([
        where('session_indexes', 'is', null),
        // An assertion without an index may be of the session that is meant.
        sql<boolean>`coalesce(${session.sessionIndex}::text = any(session_indexes), true)`,
      ]),
    );
  return sql<SqlBool>`exists (${overtaken})`;
}

/**
 * The grants are those of the moment when the statement began. Whoever changes them holds
 * the row and raises its version: where that happened while the row was waited for, they
 * are read again, and the privileged lock comes late, as in `lockUserWithGrants`.
 */
async function readLocked(
  tx: Tx,
  row: KnownRow,
  privilegedRoles: ReadonlySet<string>,
): Promise<LockedUser> {
  const user = toUser(fromJsonRow(row.known));
  if (row.version_seen === user.version) {
    return { user, grants: row.grants_seen.map((grant) => toGrant(fromJsonRow(grant))) };
  }
  const grants = await grantsOf(tx, user.id);
  const mayBeTaken = grants.some((grant) => isPrivileged(grant, privilegedRoles));
  if (mayBeTaken && !row.guarded) await lockPrivilegedRoles(tx);
  return { user, grants };
}
