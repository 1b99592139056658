import { AppError } from '@rollcall/shared/core/errors';
import type { DirectoryFault } from './port.ts';

/** A listing or look-up that failed. It proves nothing of anybody (invariant 1). */
export class DirectoryError extends AppError {
  readonly fault: DirectoryFault;
  /** How long the directory asked us to wait, in milliseconds; null where it did not. */
  readonly retryAfterMs: number | null;

  /**
   * @param explanation what was expected and what came; no secret, for people.
   */
  constructor(
    fault: DirectoryFault,
    explanation: string,
    options: { cause?: unknown; retryAfterMs?: number } = {},
  ) {
    super(`directory.${fault}`, explanation, { cause: options.cause });
    this.name = 'DirectoryError';
    this.fault = fault;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}
