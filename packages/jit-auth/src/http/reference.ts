import { randomInt } from 'node:crypto';
import type { Request } from 'express';

/** Crockford's base 32: no letter that a person could take for another one. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 10;

/**
 * An id that a person can read out over the telephone, and that finds the line in
 * the log: `7K2Q-9WX4TM`-like, 50 bits.
 */
export function newReference(): string {
  const letters = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]);
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`;
}

const references = new WeakMap<Request, string>();

/**
 * The reference of a request: the same wherever it is asked for, so that the page, the
 * log and the record of sign-ins speak of one.
 */
export function referenceOf(request: Request): string {
  const reference = references.get(request) ?? newReference();
  references.set(request, reference);
  return reference;
}
