import { FILTER_LIMITS, type Filter } from '@rollcall/jit-auth/scim/filter/filter';
import { parseFilter } from '@rollcall/jit-auth/scim/filter/parse-filter';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filters, write } from './written-filter.ts';

const test = (name: string, op: string, value?: string | number | boolean | null): Filter => {
  if (op === 'pr') return { kind: 'test', name, test: { op } };
  const literal =
    value === null
      ? { type: 'null' as const }
      : typeof value === 'number'
        ? { type: 'number' as const, value, text: String(value) }
        : typeof value === 'boolean'
          ? { type: 'boolean' as const, value }
          : { type: 'string' as const, value: String(value) };
  return { kind: 'test', name, test: { op: op as 'eq', literal } };
};
const and = (...parts: Filter[]): Filter => ({ kind: 'and', parts });
const or = (...parts: Filter[]): Filter => ({ kind: 'or', parts });
const not = (of: Filter): Filter => ({ kind: 'not', of });
const element = (name: string, where: Filter): Filter => ({ kind: 'element', name, where });
const URN = 'urn:ietf:params:scim:schemas:core:2.0:User';

/** RFC 7644 §3.4.2.2 figure 1, and what clients send beside it. */
const READ: [string, Filter][] = [
  ['userName Eq "john"', test('userName', 'eq', 'john')],
  ['Username eq "john"', test('Username', 'eq', 'john')],
  ['userName eq "bjensen"', test('userName', 'eq', 'bjensen')],
  [`name.familyName co "O'Malley"`, test('name.familyName', 'co', "O'Malley")],
  ['userName sw "J"', test('userName', 'sw', 'J')],
  [`${URN}:userName sw "J"`, test(`${URN}:userName`, 'sw', 'J')],
  ['title pr', test('title', 'pr')],
  ['title PR', test('title', 'pr')],
  [
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    test('meta.lastModified', 'gt', '2011-05-13T04:42:34Z'),
  ],
  [
    'title pr and userType eq "Employee"',
    and(test('title', 'pr'), test('userType', 'eq', 'Employee')),
  ],
  ['title pr or userType eq "Intern"', or(test('title', 'pr'), test('userType', 'eq', 'Intern'))],
  ['schemas eq "urn:x:y"', test('schemas', 'eq', 'urn:x:y')],
  [
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
    and(
      test('userType', 'eq', 'Employee'),
      or(test('emails', 'co', 'example.com'), test('emails.value', 'co', 'example.org')),
    ),
  ],
  [
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    and(
      test('userType', 'ne', 'Employee'),
      not(or(test('emails', 'co', 'example.com'), test('emails.value', 'co', 'example.org'))),
    ),
  ],
  [
    'userType eq "Employee" and (emails.type eq "work")',
    and(test('userType', 'eq', 'Employee'), test('emails.type', 'eq', 'work')),
  ],
  [
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
    and(
      test('userType', 'eq', 'Employee'),
      element('emails', and(test('type', 'eq', 'work'), test('value', 'co', '@example.com'))),
    ),
  ],
  [
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
    or(
      element('emails', and(test('type', 'eq', 'work'), test('value', 'co', '@example.com'))),
      element('ims', and(test('type', 'eq', 'xmpp'), test('value', 'co', '@foo.com'))),
    ),
  ],
  [
    'emails[type eq "work"].value eq "a@b"',
    element('emails', and(test('type', 'eq', 'work'), test('value', 'eq', 'a@b'))),
  ],
  [
    'a eq 1 or b eq 2 and c eq 3',
    or(test('a', 'eq', 1), and(test('b', 'eq', 2), test('c', 'eq', 3))),
  ],
  ['not (a pr)', not(test('a', 'pr'))],
  ['not(a pr)', not(test('a', 'pr'))],
  ['NOT (a pr) AND b pr', and(not(test('a', 'pr')), test('b', 'pr'))],
  ['((a pr))', test('a', 'pr')],
  ['active eq true', test('active', 'eq', true)],
  ['active eq False', test('active', 'eq', false)],
  ['manager eq null', test('manager', 'eq', null)],
  [
    'a eq -1.5e3',
    {
      kind: 'test',
      name: 'a',
      test: { op: 'eq', literal: { type: 'number', value: -1500, text: '-1.5e3' } },
    },
  ],
  ['a eq "say \\"hi\\" \\u00e9 \\\\"', test('a', 'eq', 'say "hi" é \\')],
  ['a eq "x) or (b pr"', test('a', 'eq', 'x) or (b pr')],
  ['a eq ""', test('a', 'eq', '')],
  ['  a \t eq   "b"  ', test('a', 'eq', 'b')],
  ['not eq "x"', test('not', 'eq', 'x')],
  ['members.$ref eq "x"', test('members.$ref', 'eq', 'x')],
];

describe('a filter that can be read', () => {
  it.each(READ)('%s', (text, filter) => {
    expect(parseFilter(text)).toEqual(filter);
  });

  it('is read back as what was written, whatever it is', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(parseFilter(write(filter))).toEqual(filter);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a filter that cannot be read', () => {
  it.each([
    '',
    '   ',
    'userName',
    'userName eq',
    'userName eq john',
    'userName eq "john',
    'userName eq "bad \\x escape"',
    "userName eq 'john'",
    'userName like "x"',
    'userName eq "a" "b"',
    'userName eq "a" and',
    'and userName pr',
    '(userName pr',
    'userName pr)',
    'emails[type eq "work"',
    'emails[]',
    'emails[type pr] eq',
    'emails[type pr].value',
    'not userName pr and',
    'userName eq 01',
    'userName eq +1',
    'userName eq NaN',
    '"userName" eq "x"',
    'userName eq "\\u0000"',
    'userName eq "\\ud800"',
    '1a eq "x"',
    'a,b eq "x"',
    "userName eq 'x'; drop table users --",
  ])('%s', (text) => {
    expect(() => parseFilter(text)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidFilter' }),
    );
  });

  it('says where', () => {
    expect(() => parseFilter('userName eq "a" ) or')).toThrow(/at character 17/);
  });
});

describe('a filter that would cost too much', () => {
  const refused = expect.objectContaining({ status: 400, scimType: 'invalidFilter' });

  it.each([
    ['longer than the limit', `userName eq "${'x'.repeat(FILTER_LIMITS.length)}"`],
    ['too deep by parentheses', `${'('.repeat(17)}a pr${')'.repeat(17)}`],
    ['too deep by not', `${'not ('.repeat(9)}a pr${')'.repeat(9)}`],
    ['of too many parts', Array.from({ length: 201 }, () => 'a pr').join(' or ')],
    ['never closed', '('.repeat(4_000)],
  ])('%s', (_name, text) => {
    const start = performance.now();
    expect(() => parseFilter(text)).toThrow(refused);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('is read up to the limits', () => {
    const parts = Array.from({ length: 199 }, () => 'a pr').join(' or ');
    expect(parseFilter(parts)).toMatchObject({ kind: 'or' });
    expect(parseFilter(`${'('.repeat(16)}a pr${')'.repeat(16)}`)).toEqual(test('a', 'pr'));
  });

  it('never throws anything but its own error, whatever it is given', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '[',
      ']',
      '"',
      '\\',
      ' ',
      'not',
      'and',
      'or',
      'a',
      'eq',
      'pr',
      '.',
      '"x"',
      '1',
      'null',
    );
    const soup = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces).map((all) => all.join(' ')),
      fc.array(pieces).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(soup, (text) => {
        try {
          parseFilter(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ScimError', scimType: 'invalidFilter' });
        }
      }),
      { numRuns: 300 },
    );
  });
});
