import { confirmPresence } from '@rollcall/shared/access/confirm';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import { confirmationOf } from '../reconcile/confirmation.ts';
import type { KnownUser } from '../reconcile/known-user.ts';
import type { Run } from './run.ts';

/**
 * Writes down whom of a part the snapshot lists as present, where that is due. In every
 * mode, and where a run only plans: it is what the directory said, and does nothing.
 */
export async function confirmPresent(
  run: Run,
  snapshot: CompleteSnapshot,
  part: readonly KnownUser[],
): Promise<void> {
  const { lease, sweep } = run;
  const due = part.flatMap((person) => confirmationOf(snapshot, person, sweep.policy) ?? []);
  if (due.length === 0) return;
  const seen = { connectionId: sweep.connectionId, seenAt: snapshot.startedAt };
  await lease.write((tx) => confirmPresence(tx, seen, due));
}
