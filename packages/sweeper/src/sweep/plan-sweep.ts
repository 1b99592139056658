import type { ConnectionSweep } from './connection-sweep.ts';
import { runSweep, type SweepTools } from './run-sweep.ts';
import type { SweepResult } from './summary.ts';

/**
 * Sweeps a connection as far as the plan, whatever its mode: nothing is applied. For an
 * operator who wants to see what would happen.
 */
export function planSweep(
  sweep: ConnectionSweep,
  tools: Omit<SweepTools, 'planOnly'>,
): Promise<SweepResult> {
  return runSweep(sweep, 'operator', { ...tools, planOnly: true });
}
