import type { ConnectionId, RunId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Lease } from '../sweep/lease.ts';
import { beginDigest } from './digest.ts';
import type { PlanLine } from './line.ts';

const BATCH = 1_000;

/** A plan whose lines are being written. Nothing of it is applied before it is finished. */
export interface PlanDraft {
  add(line: PlanLine): Promise<void>;
  /** Writes what is left; answers with the digest over all lines. */
  finish(): Promise<string>;
}

export interface DraftHead {
  readonly runId: RunId;
  readonly connectionId: ConnectionId;
  readonly configuration: string;
  readonly population: number;
  readonly expiresMs: number;
  readonly now: EpochMs;
}

/** Begins the plan of a run. Lines go to the database as they come, so that memory stays flat. */
export async function beginPlan(lease: Lease, head: DraftHead): Promise<PlanDraft> {
  await lease.write((tx) =>
    tx
      .insertInto('plans')
      .values({
        run_id: head.runId,
        connection_id: head.connectionId,
        digest: `draft:${head.runId}`,
        state: 'drafting',
        population: head.population,
        created_at: toTimestamp(head.now),
        expires_at: toTimestamp(after(head.now, head.expiresMs)),
      })
      .execute(),
  );
  const digest = beginDigest(head);
  let seq = 0;
  let batch: PlanLine[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const [first, lines] = [seq, batch];
    seq += lines.length;
    batch = [];
    await lease.write((tx) => insertLines(tx, head, first, lines));
  };
  return {
    add: async (line) => {
      digest.add(line);
      batch.push(line);
      if (batch.length >= BATCH) await flush();
    },
    finish: async () => {
      await flush();
      return digest.finish();
    },
  };
}

/** A refusal is told, and there is nothing to apply: it has its outcome from the start. */
async function insertLines(
  tx: Tx,
  head: DraftHead,
  first: number,
  lines: readonly PlanLine[],
): Promise<void> {
  await tx
    .insertInto('plan_lines')
    .values(
      lines.map((line, index) => {
        const refused = line.decision === 'refuse';
        return {
          run_id: head.runId,
          seq: first + index + 1,
          user_id: line.userId,
          decision: line.decision,
          reason: line.reason,
          evidence: JSON.stringify(line.evidence),
          user_version: line.userVersion,
          change: JSON.stringify(line.change),
          brake_class: line.brakeClass,
          outcome: refused ? ('skipped' as const) : null,
          outcome_why: refused ? line.reason : null,
          applied_at: refused ? toTimestamp(head.now) : null,
        };
      }),
    )
    .execute();
}
