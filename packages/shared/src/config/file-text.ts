import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** What reading a file gave: its text, or why not, as the end of a sentence. */
export type FileReading =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly why: string;
      readonly tooLarge: boolean;
      readonly cause?: unknown;
    };

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this process may not read it',
  EPERM: 'this process may not read it',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links go in circles',
  ENAMETOOLONG: 'its name is too long',
};

/**
 * Reads a UTF-8 text file of at most `maxBytes`. Blocking: it is meant for the
 * few small files that are read at start-up. Never throws; never quotes the file.
 */
export function readFileText(path: string, maxBytes: number): FileReading {
  try {
    // Before opening: opening a named pipe would wait for a writer.
    const kind = statSync(path);
    if (kind.isDirectory()) return refuse('it is a directory');
    if (!kind.isFile()) return refuse('it is not a regular file');
    const bytes = readAtMost(path, maxBytes + 1);
    if (bytes.length > maxBytes) return refuse(`it is larger than ${maxBytes} bytes`, true);
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return refuse('it is not UTF-8 text');
    if (code === 'ERR_INVALID_ARG_VALUE') return refuse('its name holds a NUL character');
    return { ...refuse(REASONS[code] ?? `reading it failed with ${code || 'an error'}`), cause };
  }
}

function refuse(why: string, tooLarge = false): FileReading & { readonly ok: false } {
  return { ok: false, why, tooLarge };
}

function readAtMost(path: string, limit: number): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(limit, fstatSync(descriptor).size + 1));
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}
