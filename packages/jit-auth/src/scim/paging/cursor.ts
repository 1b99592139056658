import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EpochMs } from '@rollcall/shared/core/time';
import * as z from 'zod';
import { badRequest } from '../scim-error.ts';

/** How long a cursor is good for, in milliseconds; told as `cursorTimeout` in seconds. */
export const CURSOR_MS = 3_600_000;

/** A place in a listing. */
export type Place =
  /** Behind the row of this number in the order in which they came. */
  | { readonly kind: 'behind'; readonly seq: string }
  /** After so many rows of a sorted listing. */
  | { readonly kind: 'offset'; readonly rows: number };

/** What a cursor is bound to besides its place. */
export interface CursorOf {
  readonly connection: string;
  /** Of the listing. */
  readonly fingerprint: string;
}

const CONTENT = z.tuple([z.string(), z.number(), z.string()]);
const TAG_LENGTH = 16;

/** Writes a place down so that nobody but us can make one (RFC 9865 §2). */
export function sealCursor(place: Place, of: CursorOf, key: Uint8Array, now: EpochMs): string {
  const at = place.kind === 'behind' ? `b${place.seq}` : `o${place.rows}`;
  const content = Buffer.from(JSON.stringify([at, now + CURSOR_MS, of.fingerprint]));
  return Buffer.concat([tagOf(content, of, key), content]).toString('base64url');
}

/**
 * Reads a place. Throws `invalidCursor` for one that we did not make, or made for another
 * listing or connection, and `expiredCursor`.
 */
export function openCursor(cursor: string, of: CursorOf, key: Uint8Array, now: EpochMs): Place {
  const bytes = Buffer.from(cursor, 'base64url');
  const [tag, content] = [bytes.subarray(0, TAG_LENGTH), bytes.subarray(TAG_LENGTH)];
  if (tag.length !== TAG_LENGTH || !timingSafeEqual(tag, tagOf(content, of, key))) throw invalid();
  const [at, expiresAt, fingerprint] = CONTENT.parse(JSON.parse(content.toString()));
  if (fingerprint !== of.fingerprint) throw invalid();
  if (expiresAt <= now) {
    throw badRequest('expiredCursor', 'The cursor has expired: begin at the first page.');
  }
  return at.startsWith('b')
    ? { kind: 'behind', seq: at.slice(1) }
    : { kind: 'offset', rows: Number(at.slice(1)) };
}

function tagOf(content: Uint8Array, { connection }: CursorOf, key: Uint8Array): Buffer {
  return createHmac('sha256', key)
    .update(`${connection}\n`)
    .update(content)
    .digest()
    .subarray(0, TAG_LENGTH);
}

function invalid(): Error {
  return badRequest('invalidCursor', 'The cursor is not of this listing: begin at the first page.');
}
