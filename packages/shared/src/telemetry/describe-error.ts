import { AppError } from '../core/errors.ts';

/** An error for the log: its code, its public sentence, its detail and the chain of causes. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  if (error instanceof AppError) {
    return { code: error.code, message: error.message, detail: error.detail, ...cause };
  }
  return { type: error.name, message: error.message, stack: error.stack, ...cause };
}
