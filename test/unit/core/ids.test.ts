import { AppError } from '@rollcall/shared/core/errors';
import {
  faultOfImmutableId,
  type IdFault,
  toConnectionId,
  toDirectoryId,
  toRunId,
  toSessionId,
  toSubject,
  toUserId,
} from '@rollcall/shared/core/ids';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const GOOD: readonly (readonly [string, string])[] = [
  ['an Okta id', '00u1a2b3c4d5e6f7g8h9'],
  ['a GUID', '3f0e6c52-8a3b-4f0e-9d57-0c8a2f6b7e11'],
  ['a distinguished name with blanks inside', 'CN=Ada Lovelace,OU=Staff,DC=acme,DC=example'],
  ['base64', 'k3Jm+/9Q=='],
  ['one character', 'x'],
  ['256 characters', 'x'.repeat(256)],
  ['letters of other alphabets', 'ада-エイダ-עדה'],
  ['a character outside the first plane', '😀'],
  ['a composed letter', 'jos\u00e9'],
  ['a decomposed letter', 'jose\u0301'],
];
const BAD: readonly (readonly [string, string, IdFault])[] = [
  ['nothing', '', 'empty'],
  ['a blank', ' ', 'padded'],
  ['a blank before', ' a', 'padded'],
  ['a blank after', 'a ', 'padded'],
  ['a tab after', 'a\t', 'padded'],
  ['a line end after', 'a\n', 'padded'],
  ['a no-break space after', 'a\u00a0', 'padded'],
  ['an ideographic space before', '\u3000a', 'padded'],
  ['a byte order mark before', '\ufeffa', 'padded'],
  ['a line separator after', 'a\u2028', 'padded'],
  ['257 characters', 'x'.repeat(257), 'too_long'],
  ['129 characters of two units each', '😀'.repeat(129), 'too_long'],
  ['NUL', 'a\u0000b', 'control_character'],
  ['a tab inside', 'a\tb', 'control_character'],
  ['a line end inside', 'a\r\nb', 'control_character'],
  ['DEL', 'a\u007fb', 'control_character'],
  ['a C1 control', 'a\u0085b', 'control_character'],
  ['a zero-width space', 'a\u200bb', 'control_character'],
  ['a zero-width joiner', 'a\u200db', 'control_character'],
  ['a soft hyphen', 'a\u00adb', 'control_character'],
  ['a word joiner at the end', 'a\u2060', 'control_character'],
  ['right-to-left override', 'a\u202eb', 'control_character'],
  ['right-to-left isolate', 'a\u2067b', 'control_character'],
  ['right-to-left mark', 'a\u200fb', 'control_character'],
  ['a byte order mark inside', 'a\ufeffb', 'control_character'],
  ['a tag character', 'a\u{e0041}b', 'control_character'],
  ['a line separator inside', 'a\u2028b', 'control_character'],
  ['a paragraph separator inside', 'a\u2029b', 'control_character'],
  ['a lone high surrogate', 'a\ud83d', 'not_unicode'],
  ['a lone low surrogate', '\ude00a', 'not_unicode'],
  ['surrogates the wrong way round', '\ude00\ud83d', 'not_unicode'],
];

/** Surrogates that stand alone are among them. */
const anyCodePoint = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

function errorOf(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

describe.each([
  ['a subject', toSubject, 'identity.bad_subject'],
  ['a directory id', toDirectoryId, 'identity.bad_directory_id'],
] as const)('%s', (_what, take, code) => {
  it.each(GOOD)('may be %s, and stays what it is', (_name, value) => {
    expect(faultOfImmutableId(value)).toBeNull();
    expect(take(value)).toBe(value);
  });

  it.each(BAD)('may not be %s', (_name, value, fault) => {
    expect(faultOfImmutableId(value)).toBe(fault);
    const error = errorOf(() => take(value));
    expect(error).toMatchObject({ code, detail: { fault } });
    // What cannot be printed is not repeated.
    expect(Object.keys(error.detail).sort()).toEqual(['expected', 'fault']);
    expect(error.message).toMatch(/^The identity provider sent a [a-z ]+ that cannot be used\.$/);
  });

  it('is never changed: whatever is taken is what was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCodePoint, maxLength: 300 }), (value) => {
        if (faultOfImmutableId(value) === null) expect(take(value)).toBe(value);
        else expect(errorOf(() => take(value)).code).toBe(code);
      }),
    );
  });

  it.each([
    ['composed and decomposed', 'jos\u00e9', 'jose\u0301'],
    ['two cases', '00uA', '00ua'],
    ['Latin and Cyrillic', 'ace', '\u0430ce'],
    ['a ligature and its letters', '\ufb01n', 'fin'],
    ['two widths', '\uff41', 'a'],
    ['Kelvin and K', '\u212a', 'K'],
  ])('stays apart from its twin: %s', (_name, one, other) => {
    expect(take(one) === take(other)).toBe(false);
  });
});

describe('a connection id', () => {
  it.each(['a', '0', 'acme', 'acme-2', `a${'x'.repeat(62)}`])('may be %s', (value) => {
    expect(toConnectionId(value)).toBe(value);
  });

  it.each([
    '',
    '-a',
    'Acme',
    'a_b',
    'a b',
    'a:b',
    'a/b',
    'a\n',
    '\na',
    'acmé',
    '__proto__',
    'x'.repeat(64),
  ])('may not be %j', (value) => {
    expect(errorOf(() => toConnectionId(value)).code).toBe('identity.bad_connection_id');
  });
});

describe.each([
  ['a user id', toUserId, 'identity.bad_user_id'],
  ['a session id', toSessionId, 'identity.bad_session_id'],
  ['a run id', toRunId, 'identity.bad_run_id'],
] as const)('%s', (_what, take, code) => {
  const id = '3f0e6c52-8a3b-4f0e-9d57-0c8a2f6b7e11';

  it('is a UUID in lower case', () => {
    expect(take(id)).toBe(id);
  });

  it.each([
    '',
    id.toUpperCase(),
    `${id}\n`,
    ` ${id}`,
    `{${id}}`,
    id.replaceAll('-', ''),
    `urn:uuid:${id}`,
    `${id}0`,
    id.slice(1),
    "' or 1=1 --",
  ])('is not %j', (value) => {
    expect(errorOf(() => take(value)).code).toBe(code);
  });

  it('quotes a long one in part', () => {
    const { received } = errorOf(() => take('z'.repeat(5_000))).detail;
    expect(String(received)).toHaveLength(80);
  });
});
