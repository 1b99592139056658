import { AppError } from '@rollcall/shared/core/errors';
import type { DirectoryAnswer } from './port.ts';

/** The directory answered, in the shape that its protocol prescribes, that there is no such person. */
export const ABSENT: DirectoryAnswer = {
  standing: 'absent',
  groups: null,
  label: null,
  because: null,
};

/** An answer that proves nothing. `because` says what was expected and what came. */
export function unknownBecause(because: string): DirectoryAnswer {
  return { standing: 'unknown', groups: null, label: null, because };
}

/** Runs a look-up; whatever fails in it is `unknown`. Only faults of our own code are thrown. */
export async function answerOrUnknown(
  signal: AbortSignal,
  lookUp: () => Promise<DirectoryAnswer>,
): Promise<DirectoryAnswer> {
  try {
    signal.throwIfAborted();
    return await lookUp();
  } catch (error) {
    if (signal.aborted) return unknownBecause('The look-up was interrupted.');
    if (error instanceof AppError) return unknownBecause(error.message);
    throw error;
  }
}

/**
 * An id as one segment of a path, or null where it cannot be one: `.` and `..`
 * would be taken as steps, and ask for something else.
 */
export function segmentOf(id: string): string | null {
  return id === '.' || id === '..' ? null : encodeURIComponent(id);
}
