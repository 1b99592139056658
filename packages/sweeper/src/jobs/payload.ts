import * as z from 'zod';

/** The queue in which sweeps wait. */
export const SWEEP_QUEUE = 'sweeps';
/** The name of its jobs. */
export const SWEEP_JOB = 'sweep';

/** What a job says: sweep this connection. Everything else is read when it runs. */
export const sweepPayload = z.strictObject({
  connectionId: z.string().min(1),
  trigger: z.enum(['schedule', 'confirmation', 'operator']),
  /** Put in again, because another worker was at it the first time. */
  again: z.boolean().default(false),
});
/** The name of the jobs that look after a held plan. */
export const TEND_JOB = 'tend';
/** What such a job says: of which connection. */
export const tendPayload = z.strictObject({ connectionId: z.string().min(1) });

export type SweepPayload = z.input<typeof sweepPayload>;
