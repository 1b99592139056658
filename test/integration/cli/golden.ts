import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';

/** What people read, as it was last agreed on. */
export const GOLDEN = resolve(import.meta.dirname, '../../fixtures/golden');

/** Written anew, and only then: `ROLLCALL_GOLDEN=write npm test -- test/integration/cli/golden`. */
const WRITES = process.env.ROLLCALL_GOLDEN === 'write';

/** Digests are of random ids, so each is replaced by the next of these, in the order of appearance. */
const DIGESTS = [
  '5c911d249436',
  'f2ce72b3eb85',
  'd56a672d0fbf',
  '089793fdc1bf',
  '7f3c0a12b9d4',
  '9b02d4e16a35',
  'dcd1b044d12a',
  '2e807982eba8',
];

/** Compares what commands print with the files in {@link GOLDEN}. */
export class Transcript {
  readonly #names = new Map<string, string>();

  /** Throws where the file says something else; a name of it is the command's. */
  check(file: string, command: string, output: string, exit = 0): void {
    const text = this.#settle(
      `$ rollcall ${command}\n${output}\n${exit === 0 ? '' : `$ echo $?\n${exit}\n`}`,
    );
    const path = join(GOLDEN, file);
    if (WRITES) {
      mkdirSync(GOLDEN, { recursive: true });
      writeFileSync(path, text);
    }
    expect(text).toBe(readFileSync(path, 'utf8'));
  }

  #settle(text: string): string {
    return text.replaceAll(/\b[0-9a-f]{12}\b/g, (digest) => {
      const known = this.#names.get(digest);
      if (known !== undefined) return known;
      const next = DIGESTS[this.#names.size];
      if (next === undefined) throw new Error('more digests than names for them');
      this.#names.set(digest, next);
      return next;
    });
  }
}

/** The paths of everything in a JSON document, one a line: `plan.lines[].user`. */
export function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${path}[]`];
    return [...new Set(value.flatMap((one) => keysOf(one, `${path}[]`)))];
  }
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, one]) =>
    keysOf(one, path === '' ? key : `${path}.${key}`),
  );
}
