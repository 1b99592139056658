import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const LOCKFILE = readFileSync(join(import.meta.dirname, '../../../pnpm-lock.yaml'), 'utf8');

/** Every version of a package that the lockfile names, once each. */
function versionsOf(name: string): string[] {
  const escaped = name.replace(/[/.]/g, String.raw`\$&`);
  const key = new RegExp(`^  '?${escaped}@(\\d+\\.\\d+\\.\\d+[^':(]*)`, 'gm');
  return [...new Set([...LOCKFILE.matchAll(key)].map((found) => found[1] ?? ''))];
}

function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number));
  for (const [index, number] of (want ?? []).entries()) {
    const here = have?.[index] ?? 0;
    if (here !== number) return here > number;
  }
  return true;
}

// Older ones let an attacker rewrite what was signed; two copies would be two opinions.
it.each([
  ['xml-crypto', '6.1.2'],
  ['@node-saml/node-saml', '5.1.0'],
  ['@xmldom/xmldom', '0.8.14'],
])('there is exactly one %s, of %s or newer', (name, least) => {
  const versions = versionsOf(name);
  expect(versions).toHaveLength(1);
  expect(isAtLeast(versions[0] ?? '0', least), versions[0]).toBe(true);
});

// node-saml keeps an old one for itself; ours undoes RSA-OAEP with SHA-256.
it('xml-encryption is the one of node-saml, and ours of 6.0.1 or newer', () => {
  const [ours, ...more] = versionsOf('xml-encryption').filter((version) => version !== '3.1.0');
  expect(more).toEqual([]);
  expect(isAtLeast(ours ?? '0', '6.0.1'), ours).toBe(true);
});

// The unscoped packages are past their end: the signed NameID can be rewritten.
it.each(['passport-saml', 'node-saml', 'xmldom', 'saml2-js', 'samlify'])(
  'there is no %s',
  (name) => {
    expect(versionsOf(name)).toEqual([]);
    expect(LOCKFILE).not.toMatch(new RegExp(`^\\s+'?${name}'?:`, 'm'));
  },
);

it('compares versions by number', () => {
  expect(isAtLeast('6.10.0', '6.9.9')).toBe(true);
  expect(isAtLeast('6.1.1', '6.1.2')).toBe(false);
});

it('names no host of a registry', () => {
  expect(LOCKFILE).not.toMatch(/tarball:|registry\./);
});
