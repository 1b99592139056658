import type { Actor } from '../core/actor.ts';
import type { AuditKind } from '../core/audit-event.ts';
import type { ChangePayloads, OutboxKind } from '../core/change-payload.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { toTimestamp } from '../db/timestamp.ts';

/** One fact for the audit trail. */
export interface AuditEntry {
  readonly kind: AuditKind;
  readonly userId: UserId | null;
  readonly connectionId: ConnectionId | null;
  readonly reason?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly reference?: string;
}

/** How many rows one statement writes: Postgres counts a statement's values in 16 bits. */
const ROWS_AT_ONCE = 1_000;

/** Appends a fact to the audit trail, in the transaction of the change that it tells of. */
export function recordAudit(tx: Tx, entry: AuditEntry, actor: Actor, now: EpochMs): Promise<void> {
  return recordAudits(tx, [entry], actor, now);
}

/** As {@link recordAudit}, for any number of facts, in this order. */
export async function recordAudits(
  tx: Tx,
  entries: readonly AuditEntry[],
  actor: Actor,
  now: EpochMs,
): Promise<void> {
  const rows = entries.map((entry) => ({
    at: toTimestamp(now),
    kind: entry.kind,
    actor: JSON.stringify(actor),
    user_id: entry.userId,
    connection_id: entry.connectionId,
    reason: entry.reason ?? null,
    evidence: toJson(entry.evidence),
    before: toJson(entry.before),
    after: toJson(entry.after),
    reference: entry.reference ?? null,
  }));
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const part = rows.slice(from, from + ROWS_AT_ONCE);
    await tx.insertInto('audit_events').values(part).execute();
  }
}

/** Puts a change into the outbox: it leaves the house after the commit, or not at all. */
export function putIntoOutbox<Kind extends OutboxKind>(
  tx: Tx,
  kind: Kind,
  userId: UserId,
  payload: ChangePayloads[Kind],
  now: EpochMs,
): Promise<void> {
  return putAllIntoOutbox(tx, kind, [[userId, payload]], now);
}

/** As {@link putIntoOutbox}, for changes of one kind to any number of users. */
export async function putAllIntoOutbox<Kind extends OutboxKind>(
  tx: Tx,
  kind: Kind,
  changes: readonly (readonly [UserId, ChangePayloads[Kind]])[],
  now: EpochMs,
): Promise<void> {
  const rows = changes.map(([userId, payload]) => ({
    at: toTimestamp(now),
    kind,
    user_id: userId,
    payload: JSON.stringify(payload),
  }));
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    await tx
      .insertInto('outbox')
      .values(rows.slice(from, from + ROWS_AT_ONCE))
      .execute();
  }
}

/** What of a user is written into the audit trail's `before` and `after`. */
export function auditViewOf(user: User, roles: readonly string[]): Record<string, unknown> {
  return {
    state: user.state,
    cause: user.cause,
    reason: user.stateReason,
    roles,
    profile: user.profile,
    version: user.version,
  };
}

function toJson(value: Readonly<Record<string, unknown>> | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
