import type { Operation } from './entry.ts';
import { type LoopDelay, watchEventLoop } from './event-loop.ts';
import { quantile } from './statistics.ts';

/** How it went while operations arrived at their own pace. */
export interface ArrivalsResult {
  /** How late the event loop came for everybody else, in milliseconds. */
  readonly loop: LoopDelay;
  /** From when an operation was due until it was done, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

/**
 * Starts operations at a fixed rate, whether those before are done or not: who signs in
 * does not wait for others. One that could not start in time was due all the same.
 */
export async function runArrivals(
  operations: readonly Operation[],
  perSecond: number,
): Promise<ArrivalsResult> {
  const took: number[] = [];
  let failed = 0;
  const loop = await watchEventLoop(async () => {
    const start = performance.now();
    const all = operations.map(async (operation, index) => {
      const due = start + (index * 1000) / perSecond;
      await new Promise((go) => setTimeout(go, Math.max(0, due - performance.now())));
      try {
        await operation();
        took.push(performance.now() - due);
      } catch {
        failed++;
      }
    });
    await Promise.all(all);
  });
  if (took.length === 0) throw new Error('expected at least one operation that ended well');
  return { loop, p50: quantile(took, 0.5), p99: quantile(took, 0.99), failed };
}
