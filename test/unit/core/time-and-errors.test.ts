import { causeOf } from '@rollcall/shared/core/actor';
import { AppError, codeOf, wordsOf } from '@rollcall/shared/core/errors';
import { toSubject } from '@rollcall/shared/core/ids';
import { REASON_TEXT, sayReason } from '@rollcall/shared/core/reasons';
import { after as moved, toEpochMs } from '@rollcall/shared/core/time';
import { labelOf } from '@rollcall/shared/core/user';
import { describe, expect, it } from 'vitest';

describe('a point in time', () => {
  it.each([0, -1, 1_767_225_600_000, Number.MAX_SAFE_INTEGER])('may be %d', (value) => {
    expect(toEpochMs(value)).toBe(value);
  });

  it.each([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0.5,
    Number.MAX_SAFE_INTEGER + 1,
    '1' as unknown as number,
    null as unknown as number,
  ])('may not be %s', (value) => {
    expect(() => toEpochMs(value)).toThrow(RangeError);
  });

  it('moves by milliseconds, forward and back', () => {
    const start = toEpochMs(1_000);
    expect(moved(start, 500)).toBe(1_500);
    expect(moved(start, -2_000)).toBe(-1_000);
    expect(moved(start, 0)).toBe(start);
  });

  it.each([Number.NaN, 0.1, Number.MAX_SAFE_INTEGER])('does not move by %s', (durationMs) => {
    expect(() => moved(toEpochMs(1_000), durationMs)).toThrow(RangeError);
  });
});

describe('an error of ours', () => {
  it('has a code, a public sentence, a private cause and details', () => {
    const cause = new Error('the private reason');
    const error = new AppError('area.thing', 'The public sentence.', { cause, detail: { n: 1 } });
    expect(error).toMatchObject({
      name: 'AppError',
      code: 'area.thing',
      message: 'The public sentence.',
      detail: { n: 1 },
    });
    expect(error.cause).toBe(cause);
    expect(JSON.stringify(error)).not.toContain('private reason');
    expect(String(error)).not.toContain('private reason');
  });

  it('has no cause and no details where none are given', () => {
    const error = new AppError('area.thing', 'Sentence.');
    expect('cause' in error).toBe(false);
    expect(error.detail).toEqual({});
  });

  it.each([
    [new AppError('a.b', 'x'), 'a.b'],
    [new Error('a.b'), 'internal'],
    [{ code: 'a.b' }, 'internal'],
    [undefined, 'internal'],
  ])('is told by its code: %#', (error, code) => {
    expect(codeOf(error)).toBe(code);
  });

  it.each([
    [new Error('refused'), 'refused'],
    [Object.assign(new AggregateError([new Error('x')]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new TypeError(''), 'TypeError'],
    ['text', 'text'],
    [null, 'null'],
  ])('of others is told in their words: %#', (error, words) => {
    expect(wordsOf(error)).toBe(words);
  });
});

describe('an actor', () => {
  it.each([
    [{ kind: 'sweep', runId: 'r', digest: 'd' }, 'sweep'],
    [{ kind: 'operator', name: 'oda' }, 'admin'],
    [{ kind: 'assertion', connection: 'acme', assertionId: '_1' }, null],
    [{ kind: 'user', userId: 'u' }, null],
  ] as const)('deactivates with a cause of its own, or not at all: %o', (actor, cause) => {
    expect(causeOf(actor)).toBe(cause);
  });
});

describe('a reason', () => {
  it('is a sentence, and a code that is not known stays a code', () => {
    for (const [code, text] of Object.entries(REASON_TEXT)) {
      expect(sayReason(code)).toBe(text);
      expect(text.length).toBeGreaterThan(5);
    }
    for (const code of ['from_a_later_version', '__proto__', 'toString']) {
      expect(sayReason(code)).toBe(code);
    }
  });
});

describe('the label of a user', () => {
  const subject = toSubject('00u1');
  const none = { email: null, givenName: null, familyName: null };

  it.each([
    [{ ...none, email: 'ada@acme.example', givenName: 'Ada' }, 'ada@acme.example'],
    [{ ...none, givenName: 'Ada', familyName: 'Lovelace' }, 'Ada Lovelace'],
    [{ ...none, familyName: 'Lovelace' }, 'Lovelace'],
    [{ ...none, givenName: '', familyName: '' }, '00u1'],
    [none, '00u1'],
  ])('is what people know them by: %#', (profile, label) => {
    expect(labelOf({ profile, subject })).toBe(label);
  });
});
