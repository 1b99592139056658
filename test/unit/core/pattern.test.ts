import { matchesPattern } from '@rollcall/shared/core/pattern';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** The rule by its definition, without a thought for speed: a table over characters. */
function matchesByTable(name: string, pattern: string): boolean {
  const [characters, signs] = [[...name], [...pattern]];
  let reachable = new Set([0]);
  for (const sign of signs) {
    const next = new Set<number>();
    for (const at of reachable) {
      if (sign === '*') for (let to = at; to <= characters.length; to++) next.add(to);
      else if (at < characters.length && (sign === '?' || sign === characters[at]))
        next.add(at + 1);
    }
    reachable = next;
  }
  return reachable.has(characters.length);
}

/** A text that counts how often one of its characters is read. */
function counted(text: string): { readonly text: string; readonly reads: () => number } {
  let reads = 0;
  const target = Object(text) as object;
  const proxy = new Proxy(target, {
    get: (_, key) => {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads += 1;
      if (key === 'codePointAt') {
        return (index: number) => {
          reads += 1;
          return text.codePointAt(index);
        };
      }
      return Reflect.get(target, key, target);
    },
  });
  return { text: proxy as unknown as string, reads: () => reads };
}

describe('matchesPattern', () => {
  it.each([
    ['', '', true],
    ['', '*', true],
    ['', '?', false],
    ['a', '', false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['a', '?', true],
    ['ab', '?', false],
    ['ab', '?*', true],
    ['ab', '*?', true],
    ['ab', '??*', true],
    ['ab', '*???', false],
    ['bi:emea', 'bi:*', true],
    ['bi:', 'bi:*', true],
    ['xbi:emea', 'bi:*', false],
    ['abcbc', '*bc', true],
    ['abcbd', '*bc', false],
    ['aXbXc', 'a*b*c', true],
    ['mississippi', 'm*iss*ip*i', true],
    ['a*b', 'a*b', true],
    ['a.b', 'a.b', true],
    ['axb', 'a.b', false],
    ['a\nb', 'a*b', true],
    ['a\nb', 'a?b', true],
    ['[x]', '[x]', true],
    ['x', '[x]', false],
    ['a\\', 'a\\', true],
    ['😀', '?', true],
    ['😀', '??', false],
    ['😀b', '*?b', true],
    ['x😀y', 'x?y', true],
    ['e\u0301', '?', false],
  ])('%j against %j: %s', (name, pattern, expected) => {
    expect(matchesPattern(name, pattern)).toBe(expected);
    expect(matchesByTable(name, pattern)).toBe(expected);
  });

  it('agrees with the definition on every kind of name and pattern', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '😀', '*', '?'), maxLength: 12 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '😀'), maxLength: 8 });
    fc.assert(
      fc.property(name, pattern, (text, signs) => {
        expect(matchesPattern(text, signs)).toBe(matchesByTable(text, signs));
      }),
      { numRuns: 20_000 },
    );
  });

  it('matches whatever was made from the pattern', () => {
    const part = fc.oneof(
      fc
        .string({ unit: 'grapheme' })
        .map((text) => ({ sign: text.replace(/[*?]/g, ''), text: text.replace(/[*?]/g, '') })),
      fc.string({ unit: 'grapheme' }).map((text) => ({ sign: '*', text })),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const pattern = parts.map(({ sign }) => sign).join('');
        expect(matchesPattern(parts.map(({ text }) => text).join(''), pattern)).toBe(true);
      }),
    );
  });

  it.each([
    ['stars between the same letter', 'a'.repeat(1_000), `${'*a'.repeat(100)}b`],
    ['a star before a long run', 'a'.repeat(1_000), `*${'a'.repeat(200)}b`],
    ['nothing but stars, and a letter', 'a'.repeat(1_000), `${'*'.repeat(200)}b`],
    ['stars and question marks', 'a'.repeat(1_000), `${'*?'.repeat(100)}b`],
  ])('takes at most |name| × |pattern| steps for %s', (_name, name, pattern) => {
    const [hostile, signs] = [counted(name), counted(pattern)];
    expect(matchesPattern(hostile.text, signs.text)).toBe(false);
    // A step reads each side at most three times.
    const steps = (name.length + 1) * (pattern.length + 1);
    expect(hostile.reads() + signs.reads()).toBeLessThanOrEqual(6 * steps);
    expect(hostile.reads() + signs.reads()).toBeGreaterThan(name.length);
  });
});
