import type { Actor } from '../core/actor.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import type { AccessOutcome, VerifiersDisagreed } from './change.ts';
import { recordAudit } from './record.ts';

/** Writes down that two verifiers read different things out of one signed response. */
export async function recordDispute(
  tx: Tx,
  { connectionId, code, evidence, reference }: VerifiersDisagreed,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  const entry = { userId: null, connectionId, reason: code, evidence, reference };
  await recordAudit(tx, { kind: 'verifiers.disagreed', ...entry }, actor, now);
  return { kind: 'unchanged', user: null };
}
