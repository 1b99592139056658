import { type InsertQueryBuilder, type InsertResult, type RawBuilder, sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import type { AuditKind } from '../core/audit-event.ts';
import type { ChangePayloads, OutboxKind } from '../core/change-payload.ts';
import type { ConnectionId, UserId } from '../core/ids.ts';
import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import type { Tables } from '../db/tables.ts';
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
  for (let from = 0; from < entries.length; from += ROWS_AT_ONCE) {
    await insertAudits(tx, entries.slice(from, from + ROWS_AT_ONCE), actor, now).execute();
  }
}

/** The statement that appends facts to the audit trail, for a change that is one statement. */
export function insertAudits(
  tx: Tx,
  entries: readonly AuditEntry[],
  actor: Actor,
  now: EpochMs,
): InsertQueryBuilder<Tables, 'audit_events', InsertResult> {
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
  return tx.insertInto('audit_events').values(rows);
}

/**
 * As {@link insertAudits}, for facts of a change that its own statement makes or does not:
 * they are appended once for each row of `made`. The text of the statement is the same for
 * any number of facts.
 */
export function auditsFor(
  made: RawBuilder<unknown>,
  entries: readonly AuditEntry[],
  actor: Actor,
  now: EpochMs,
): RawBuilder<unknown> {
  return sql`
    insert into audit_events (at, kind, actor, user_id, connection_id, reason, evidence, before, after, reference)
    select ${toTimestamp(now)}::timestamptz, kind, ${JSON.stringify(actor)}::jsonb, "userId", "connectionId",
           reason, evidence, before, after, reference
      from ${made} cross join rows from (json_to_recordset(${JSON.stringify(entries)}::json) as (
             kind text, "userId" uuid, "connectionId" text, reason text, evidence jsonb, before jsonb,
             after jsonb, reference text)) with ordinality
     order by ordinality`;
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
  const messages: OutboxMessage<Kind>[] = changes.map(([userId, payload]) => {
    return { kind, userId, payload };
  });
  for (let from = 0; from < messages.length; from += ROWS_AT_ONCE) {
    await insertMessages(tx, messages.slice(from, from + ROWS_AT_ONCE), now).execute();
  }
}

/** One change that others must hear of. */
export interface OutboxMessage<Kind extends OutboxKind = OutboxKind> {
  readonly kind: Kind;
  readonly userId: UserId;
  readonly payload: ChangePayloads[Kind];
}

/** The statement that puts messages into the outbox, for a change that is one statement. */
export function insertMessages(
  tx: Tx,
  messages: readonly OutboxMessage[],
  now: EpochMs,
): InsertQueryBuilder<Tables, 'outbox', InsertResult> {
  const rows = messages.map(({ kind, userId, payload }) => ({
    at: toTimestamp(now),
    kind,
    user_id: userId,
    payload: JSON.stringify(payload),
  }));
  return tx.insertInto('outbox').values(rows);
}

/** As {@link auditsFor}, for messages. */
export function messagesFor(
  made: RawBuilder<unknown>,
  messages: readonly OutboxMessage[],
  now: EpochMs,
): RawBuilder<unknown> {
  return sql`
    insert into outbox (at, kind, user_id, payload)
    select ${toTimestamp(now)}::timestamptz, kind, "userId", payload
      from ${made} cross join rows from (json_to_recordset(${JSON.stringify(messages)}::json) as (
             kind text, "userId" uuid, payload jsonb)) with ordinality
     order by ordinality`;
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
