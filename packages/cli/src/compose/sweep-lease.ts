import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '@rollcall/shared/core/errors';

/** Whether an attempt has ended with `sweep.busy`: for those that throw it. */
export function isBusyError(
  outcome: { readonly answer: unknown } | { readonly error: unknown },
): boolean {
  return 'error' in outcome && codeOf(outcome.error) === 'sweep.busy';
}

/** How long a command waits for a worker that is at the same connection, in milliseconds. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 250;

/**
 * Tries something that needs the lease of a connection until the worker that has
 * it is done, or patience ends.
 *
 * @param busy whether an answer, or an error, means that somebody else has it.
 */
export async function waitForLease<T>(
  attempt: () => Promise<T>,
  busy: (outcome: { answer: T } | { error: unknown }) => boolean,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const outcome = await attempt().then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
    if (!busy(outcome) || performance.now() > deadline) {
      if ('error' in outcome) throw outcome.error;
      return outcome.answer;
    }
    await sleep(PAUSE_MS);
  }
}
