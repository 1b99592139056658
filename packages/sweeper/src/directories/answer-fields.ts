import { AppError } from '@rollcall/shared/core/errors';
import { type DirectoryId, toDirectoryId } from '@rollcall/shared/core/ids';
import { DirectoryError } from './directory-error.ts';

/** A JSON object of an answer. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Readers for what directories answer. `where` names the place in a sentence,
 * such as `User 3 of the page`. Whatever is not as expected is thrown as
 * `malformed_answer`: a value that is guessed could take somebody's access.
 */
export function readFields(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Fields;
  }
  throw unexpected(where, 'an object', value);
}

export function readList(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw unexpected(where, 'a list', value);
}

/** A whole number, 0 or more. */
export function readCount(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw unexpected(where, 'a whole number of at least 0', value);
}

export function readText(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw unexpected(where, 'text', value);
}

/** True or false, never a text that says so. */
export function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw unexpected(where, 'true or false', value);
}

/** An immutable id. */
export function readId(value: unknown, where: string): DirectoryId {
  const text = readText(value, `the id of ${where}`);
  try {
    return toDirectoryId(text);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    const fault = String(cause.detail.fault);
    throw new DirectoryError('malformed_answer', `The id of ${where} is unusable: ${fault}.`, {
      cause,
    });
  }
}

/** For people to read, so that a strange value is worth no error. */
export function readLabel(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The error for a value of the wrong kind. The value itself is not quoted. */
export function unexpected(where: string, wanted: string, received: unknown): DirectoryError {
  return new DirectoryError(
    'malformed_answer',
    `In ${where}, expected ${wanted}, received ${kindOf(received)}.`,
  );
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value === '') return 'an empty text';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
