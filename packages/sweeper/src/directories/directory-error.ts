import { AppError } from '@rollcall/shared/core/errors';
import type { DirectoryFault } from './port.ts';

/**
 * What a refusal means for whoever asked. Only `gone` speaks of what was asked for, and
 * even that is no proof of absence: a wrong URL answers 404 too.
 */
export type Refusal = 'retryable' | 'permission' | 'gone' | 'unknown';

/** A listing or look-up that failed. It proves nothing of anybody (invariant 1). */
export class DirectoryError extends AppError {
  readonly fault: DirectoryFault;
  readonly refusal: Refusal;
  /** How long the directory asked us to wait, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;

  /**
   * @param explanation what was expected and what came; no secret, for people.
   */
  constructor(
    fault: DirectoryFault,
    explanation: string,
    options: { cause?: unknown; retryAfterMs?: number; refusal?: Refusal } = {},
  ) {
    super(`directory.${fault}`, explanation, { cause: options.cause });
    this.name = 'DirectoryError';
    this.fault = fault;
    this.refusal = options.refusal ?? refusalOf(fault);
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

function refusalOf(fault: DirectoryFault): Refusal {
  if (fault === 'unauthorized' || fault === 'forbidden') return 'permission';
  return fault === 'rate_limited' || fault === 'timed_out' ? 'retryable' : 'unknown';
}
