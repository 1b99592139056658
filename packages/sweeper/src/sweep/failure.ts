import { AppError, codeOf } from '@rollcall/shared/core/errors';
import type { PartialReason } from '@rollcall/shared/core/evidence';
import { DirectoryError } from '../directories/directory-error.ts';

/** How a run ends that came to nothing. */
export interface Failure {
  readonly state: 'incomplete' | 'failed';
  readonly code: string;
  readonly explanation: string;
  readonly partialReason?: PartialReason;
  /** How long the directory asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number | null;
}

/**
 * What an error means for the run that it ended. A directory that fails, and a worker
 * that is told to stop, leave the run incomplete; anything else has failed.
 * Throws the error again where the lease was lost: there is nothing left to write with.
 */
export function failureOf(error: unknown, leaseLost: boolean): Failure {
  if (leaseLost || codeOf(error) === 'sweep.lease_lost') throw error;
  if (error instanceof DirectoryError) {
    const { code, message, fault, retryAfterMs } = error;
    const said = { explanation: message, partialReason: fault, retryAfterMs };
    return { state: 'incomplete', code, ...said };
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return {
      state: 'incomplete',
      code: 'sweep.interrupted',
      explanation: 'the worker was stopped before the run had ended',
      partialReason: 'interrupted',
    };
  }
  if (error instanceof AppError) {
    return { state: 'failed', code: error.code, explanation: error.message };
  }
  return {
    state: 'failed',
    code: 'internal',
    explanation: 'something unforeseen went wrong; the log says what',
  };
}
