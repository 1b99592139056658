import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const PAGE = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');

/** The rows of every table of claims: what is claimed, and by what it is held. */
function claims(): { readonly claim: string; readonly tests: readonly string[] }[] {
  return PAGE.split('| claim | held by |')
    .slice(1)
    .flatMap((part) => part.split('\n\n')[0]?.split('\n').slice(2) ?? [])
    .filter((row) => row.startsWith('|'))
    .map((row) => {
      const [claim = '', held = ''] = row.split('|').slice(1);
      const tests = [...held.matchAll(/`([^`]*)`/g)].map((found) => found[1] ?? '');
      return { claim: claim.trim(), tests };
    });
}

it('every claim of the threat model is held by a test that exists', () => {
  const all = claims();
  expect(all.length).toBeGreaterThan(30);
  for (const { claim, tests } of all) {
    expect(tests, claim).not.toEqual([]);
    for (const test of tests) {
      expect(test, claim).toMatch(/^test\/.*\.test\.ts$/);
      expect(existsSync(join(ROOT, test)), `${test}: ${claim}`).toBe(true);
    }
  }
});

it('names no test anywhere that does not exist', () => {
  for (const [test] of PAGE.matchAll(/(?<=`)test\/[^`]+(?=`)/g)) {
    expect(existsSync(join(ROOT, test)), test).toBe(true);
  }
});
