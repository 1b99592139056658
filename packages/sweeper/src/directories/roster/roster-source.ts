import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { RosterPlace } from '@rollcall/shared/config/schema/roster';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { BearerToken } from '../credentials.ts';
import { DirectoryError } from '../directory-error.ts';
import { HttpClient } from '../http-client.ts';
import { type RosterProof, readChecksumFile } from './roster-proof.ts';

/** A roster that is exactly the one that its checksum is of. */
export interface FetchedRoster {
  readonly bytes: Uint8Array;
  /** What the file beside it says. */
  readonly beside: RosterProof;
  /** When the file was last changed, by its server or file system; null where that is not said. */
  readonly modifiedAt: EpochMs | null;
}

export interface RosterSourceOptions {
  readonly place: RosterPlace;
  readonly token: BearerToken | null;
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** More than any checksum file has. */
const CHECKSUM_BYTES = 64 * 1024;

/**
 * Reads a roster whole and compares it with its checksum, before anything of it is
 * believed. The checksum is read first: a roster that is replaced in between does not
 * match, and the next run tries again. Throws `DirectoryError`.
 */
export async function fetchRoster(
  options: RosterSourceOptions,
  signal: AbortSignal,
): Promise<FetchedRoster> {
  const { place, maxBytes } = options;
  const read = place.kind === 'url' ? readUrl : readFile;
  const checksum = await read(place.checksum, CHECKSUM_BYTES, options, signal);
  const beside = readChecksumFile(toText(checksum.bytes, 'The checksum'));
  const roster = await read(place.roster, maxBytes, options, signal);
  const received = createHash('sha256').update(roster.bytes).digest('hex');
  if (received === beside.sha256) return { ...roster, beside };
  throw new DirectoryError(
    'checksum_mismatch',
    `Expected a roster with the checksum ${beside.sha256?.slice(0, 12)}…, received ${roster.bytes.length} bytes with ${received.slice(0, 12)}….`,
  );
}

/** UTF-8 without its mark. Throws `DirectoryError`. */
export function toText(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new DirectoryError('malformed_answer', `${what} is not UTF-8 text.`);
  }
}

interface ReadFile {
  readonly bytes: Uint8Array;
  readonly modifiedAt: EpochMs | null;
}

async function readUrl(
  url: string,
  maxBytes: number,
  { token, timeoutMs }: RosterSourceOptions,
  signal: AbortSignal,
): Promise<ReadFile> {
  const http = new HttpClient({
    baseUrl: new URL(url).origin,
    timeoutMs,
    maxBytes,
    ...(token === null ? {} : { credentials: token }),
  });
  const headers = { accept: '*/*' };
  const { body, headers: answered } = await http.send({ target: url, headers, raw: true }, signal);
  if (!(body instanceof Uint8Array)) throw new RangeError('expected the bytes of an answer');
  const modified = Date.parse(answered.get('last-modified') ?? '');
  return { bytes: body, modifiedAt: Number.isNaN(modified) ? null : toEpochMs(modified) };
}

async function readFile(
  path: string,
  maxBytes: number,
  _options: RosterSourceOptions,
  signal: AbortSignal,
): Promise<ReadFile> {
  signal.throwIfAborted();
  try {
    const file = await open(path, 'r');
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw unreadable(path, 'it is not a regular file');
      if (stat.size > maxBytes) throw tooLarge(path, maxBytes);
      const bytes = await file.readFile({ signal });
      if (bytes.length > maxBytes) throw tooLarge(path, maxBytes);
      return { bytes, modifiedAt: toEpochMs(Math.floor(stat.mtimeMs)) };
    } finally {
      await file.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DirectoryError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    throw unreadable(path, `reading it failed with ${code}`);
  }
}

function unreadable(path: string, why: string): DirectoryError {
  return new DirectoryError('request_failed', `The roster cannot be read from ${path}: ${why}.`);
}

function tooLarge(path: string, maxBytes: number): DirectoryError {
  return new DirectoryError(
    'malformed_answer',
    `Expected at most ${maxBytes} bytes in ${path}, received more.`,
  );
}
