import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late the event loop came, in milliseconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

/**
 * Watches the event loop while `work` runs. What another request would have had
 * to wait: the time for which the loop did not come round, beyond the timer's own
 * millisecond.
 */
export async function watchEventLoop(work: () => Promise<unknown>): Promise<LoopDelay> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  await work();
  histogram.disable();
  const late = (ns: number) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  return {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: late(histogram.max),
  };
}
