import { recordAudit } from '@rollcall/shared/access/record';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction, type Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';

/** A person's word that a listing which had shrunk was right. */
export interface ListingApproval {
  readonly connectionId: ConnectionId;
  readonly runId: RunId;
  /** How many rows it had: proof that it was looked at. */
  readonly rows: number;
  readonly approver: string;
  readonly reason: string;
}

/**
 * Accepts the size of the latest listing, which was `shrunk`. It takes nothing from
 * anybody: the next listing is compared with this size instead of the last complete
 * one, so that a connection from which many people really left can be swept again.
 *
 * Throws `listing.not_shrunk`, `listing.rows_differ`, `plan.approver_missing`,
 * `plan.reason_missing`.
 */
export async function approveListing(
  db: Database,
  approval: ListingApproval,
  now: EpochMs,
): Promise<void> {
  const { approver, reason } = approval;
  if (approver.trim() === '') {
    throw new AppError('plan.approver_missing', 'An approval says who approves.');
  }
  if (reason.trim() === '') throw new AppError('plan.reason_missing', 'An approval says why.');
  await inTransaction(db, async (tx) => {
    const { rows, explanation } = await requireShrunk(tx, approval);
    await tx
      .updateTable('sweep_runs')
      .set({
        size_accepted_by: approver,
        size_accepted_reason: reason,
        size_accepted_at: toTimestamp(now),
      })
      .where('id', '=', approval.runId)
      .execute();
    const evidence = { runId: approval.runId, rows, explanation };
    const entry = { userId: null, connectionId: approval.connectionId, reason, evidence };
    const actor = { kind: 'operator', name: approver } as const;
    await recordAudit(tx, { kind: 'plan.approved', ...entry }, actor, now);
  });
}

async function requireShrunk(tx: Tx, approval: ListingApproval) {
  const latest = await tx
    .selectFrom('sweep_runs')
    .select(['id', 'partial_reason', 'rows', 'explanation'])
    .where('connection_id', '=', approval.connectionId)
    .where('snapshot_kind', 'is not', null)
    .orderBy('fence', 'desc')
    .orderBy('started_at', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (latest?.id !== approval.runId || latest.partial_reason !== 'shrunk') {
    throw new AppError(
      'listing.not_shrunk',
      'Only the latest listing of a connection can be accepted, and only where it had shrunk.',
      {
        detail: {
          expected: { run: latest?.id ?? null, reason: 'shrunk' },
          received: { run: approval.runId, reason: latest?.partial_reason ?? null },
        },
      },
    );
  }
  if (latest.rows !== approval.rows) {
    throw new AppError(
      'listing.rows_differ',
      `The listing had ${latest.rows} rows, not ${approval.rows}: look at it, and name the number.`,
      { detail: { expected: latest.rows, received: approval.rows } },
    );
  }
  return latest;
}
