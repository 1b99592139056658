/** One job, as it comes out of a queue. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  /** Which attempt this is, from 1. What is put off does not count. */
  readonly attempt: number;
  /** How many attempts there are; the last one that fails makes a dead letter. */
  readonly attempts: number;
  /** How often a worker went away with this job in its hands. */
  readonly abandoned: number;
}

/**
 * What becomes of a job. Work that throws has failed by a fault of ours: it is tried
 * again with growing pauses, and after the last attempt it is a dead letter.
 */
export type JobOutcome =
  | { readonly kind: 'done' }
  /** This attempt came to nothing; the next one in so many milliseconds. */
  | { readonly kind: 'again'; readonly delayMs: number; readonly why: string }
  /** It was not its time yet: once more in so many milliseconds, without counting. */
  | { readonly kind: 'later'; readonly delayMs: number }
  /** This worker stops: whoever is free takes the job, at once, without counting. */
  | { readonly kind: 'hand_back' }
  /** No attempt would do better: a dead letter now. */
  | { readonly kind: 'dead'; readonly why: string };

/** A job that failed for good. It is kept until somebody has it tried again or drops it. */
export interface DeadJob {
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  /** What the last attempt failed with, in the words of the error. */
  readonly reason: string;
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly failedAt: number;
}

/** When jobs are made by themselves. */
export interface Schedule {
  readonly id: string;
  readonly everyMs: number;
  /** How long after each multiple of `everyMs` since the epoch; at least 1. */
  readonly offsetMs: number;
}

/** A schedule as it is kept. */
export interface KeptSchedule extends Schedule {
  /** When its next job is due, in milliseconds since the epoch; null where that is not known. */
  readonly nextAt: number | null;
}

/** How many jobs there are of each kind. */
export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly dead: number;
}
