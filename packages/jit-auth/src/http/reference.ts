import { randomInt } from 'node:crypto';

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
