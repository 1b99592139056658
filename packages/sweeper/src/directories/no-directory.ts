import { DirectoryError } from './directory-error.ts';
import { hashFacts } from './listing-fingerprint.ts';
import { unknownBecause } from './look-up-answer.ts';
import type { Directory } from './port.ts';

/** The directory of a connection that has none: it lists nobody and answers nothing. */
export function noDirectory(): Directory {
  return {
    type: 'none',
    capabilities: { lookUp: false, groups: false },
    fingerprint: async () => hashFacts({ type: 'none' }),
    // biome-ignore lint/correctness/useYield: there is nothing to list
    list: async function* () {
      throw new DirectoryError('request_failed', 'This connection has no directory to list.');
    },
    lookUp: async () => unknownBecause('This connection has no directory to ask.'),
  };
}
