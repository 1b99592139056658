import { badRequest, type ScimError, type ScimType } from '../scim-error.ts';

/** A part of a filter or of a path, with where it begins. */
export type Token =
  | { readonly kind: '(' | ')' | '[' | ']'; readonly at: number }
  /** A JSON string, read (RFC 8259 §7). */
  | { readonly kind: 'string'; readonly value: string; readonly at: number }
  /** Names, operators, numbers and literals: whatever stands between blanks and brackets. */
  | { readonly kind: 'word'; readonly text: string; readonly at: number };

const BRACKETS: ReadonlySet<string> = new Set(['(', ')', '[', ']']);
const BLANK = /\s/;
/** What a word ends before. */
const BREAK = /[\s()[\]"]/;

/**
 * Splits a filter, or the path of a PATCH, into tokens.
 * Throws `invalidFilter` or `invalidPath`, as asked, for a string that is none.
 */
export function tokensOf(text: string, scimType: ScimType): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (BLANK.test(char)) {
      at += 1;
    } else if (BRACKETS.has(char)) {
      tokens.push({ kind: char as '(' | ')' | '[' | ']', at });
      at += 1;
    } else {
      const end = char === '"' ? endOfString(text, at, scimType) : endOfWord(text, at);
      const part = text.slice(at, end);
      tokens.push(
        char === '"'
          ? { kind: 'string', value: readString(part, at, scimType), at }
          : { kind: 'word', text: part, at },
      );
      at = end;
    }
  }
  return tokens;
}

function endOfWord(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && !BREAK.test(text.charAt(end))) end += 1;
  return end;
}

function endOfString(text: string, start: number, scimType: ScimType): number {
  for (let end = start + 1; end < text.length; end++) {
    if (text.charAt(end) === '\\') end += 1;
    else if (text.charAt(end) === '"') return end + 1;
  }
  throw malformed(scimType, start, 'a string that does not end');
}

function readString(part: string, at: number, scimType: ScimType): string {
  const value = parse(part);
  if (value === null) throw malformed(scimType, at, 'a string that is none of JSON');
  // Postgres stores neither: no resource could hold them.
  if (value.includes('\0') || !value.isWellFormed()) {
    throw malformed(scimType, at, 'a string with characters that no attribute can hold');
  }
  return value;
}

function parse(part: string): string | null {
  try {
    return JSON.parse(part) as string;
  } catch {
    return null;
  }
}

/** What is wrong, and where: counted from 1, as people count. */
export function malformed(scimType: ScimType, at: number, what: string): ScimError {
  const whole = scimType === 'invalidPath' ? 'The path' : 'The filter';
  return badRequest(scimType, `${whole} cannot be read: ${what}, at character ${at + 1}.`);
}
