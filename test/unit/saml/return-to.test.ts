import { toReturnPath } from '@rollcall/jit-auth/saml/return-to';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

describe('a local path', () => {
  test.each([
    '/',
    '/reports',
    '/reports?week=2&to=https://example.com/a//b',
    '/a/b#part',
    '/a%20b?c=%2F%5C',
    '/caf%C3%A9',
    '/a:b@c',
  ])('%s is kept', (path) => expect(toReturnPath(path)).toBe(path));

  test('is written as browsers write it', () => {
    expect(toReturnPath('/café')).toBe('/caf%C3%A9');
    expect(toReturnPath('/a/../b/./c')).toBe('/b/c');
  });
});

describe('everything else', () => {
  test.each([
    '',
    'reports',
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/a\\b',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' /a',
    '/a b',
    '/\u0000',
    '/a\u00a0b',
    '/a\u202eb',
    '/%2fevil.example',
    '/%2Fevil.example',
    '/%252fevil.example',
    '/%5cevil.example',
    '/%25255Cevil.example',
    '/%0d%0aSet-Cookie:x',
    '/%00',
    '/a/..//evil.example',
    '/.//evil.example',
    '/%2e//evil.example',
    '/%2e%2e//evil.example',
    'javascript:alert(1)',
    '/\ud800',
    `/${'a'.repeat(2048)}`,
    null,
    undefined,
    1,
    ['/a'],
    { toString: () => '/a' },
  ])('%j is refused', (value) => expect(toReturnPath(value)).toBeNull());
});

test('whatever is accepted stays on this origin, also when it is read again', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '%2f',
    '%5c',
    '.',
    '..',
    '%2e',
    '@',
    ':',
    '?',
    '#',
    'evil.example',
    '\t',
    '%09',
    'a',
    ' ',
    '%25',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = toReturnPath(`/${pieces.join('')}`);
      if (path === null) return;
      const url = new URL(path, 'https://auth.example.com/saml/acme/acs');
      expect(url.origin).toBe('https://auth.example.com');
      expect(url.href).toBe(`https://auth.example.com${path}`);
      expect(toReturnPath(path)).toBe(path);
    }),
    { numRuns: 5000 },
  );
});
