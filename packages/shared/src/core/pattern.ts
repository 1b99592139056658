import { RE2JS } from 're2js';

/**
 * How a rule names a group or a value of an attribute: text, in which `*` and `?` are
 * wildcards where wildcards are allowed, or an expression in the syntax of RE2.
 */
export type Pattern = string | Re2Pattern;

/** An RE2 expression. It matches anywhere in a name: `^` and `$` tie it to the ends. */
export interface Re2Pattern {
  readonly re2: string;
}

/** The longest expression, in UTF-16 units. */
export const MAX_RE2_LENGTH = 256;
/** The largest program that an expression may become, in instructions. */
export const MAX_RE2_PROGRAM = 2_000;
/**
 * Longer names are matched by their exact text alone: no directory has a group of such
 * a name, and what one name costs stays bounded. UTF-16 units.
 */
export const MAX_MATCHED_LENGTH = 1_024;

/** Whether a text is read with wildcards. */
export function hasWildcard(text: string): boolean {
  return /[*?]/.test(text);
}

/** Whether a pattern may match more than one name. */
export function isOpen(pattern: Pattern): boolean {
  return typeof pattern !== 'string' || hasWildcard(pattern);
}

/** A pattern as people read it. */
export function sayPattern(pattern: Pattern): string {
  return typeof pattern === 'string' ? pattern : `re2(${pattern.re2})`;
}

/** What is wrong with an RE2 expression, in words; null where nothing is. */
export function faultOfRe2(expression: string): string | null {
  if (expression === '') return 'it is empty, and would match every name';
  if (expression.length > MAX_RE2_LENGTH) return `it is longer than ${MAX_RE2_LENGTH} characters`;
  try {
    const size = RE2JS.compile(expression).programSize();
    if (size <= MAX_RE2_PROGRAM) return null;
    return `it becomes ${size} steps, more than ${MAX_RE2_PROGRAM}: repeat less`;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return words.replace(/^error parsing regexp: /, '');
  }
}

/** Compiled once each; there are as many as the configurations of this process name. */
const compiled = new Map<string, RE2JS>();

/** Whether a name matches, and by which kind of pattern whatever. Pure: the same answer always. */
export function matches(name: string, pattern: Pattern): boolean {
  if (name === pattern) return true;
  if (name.length > MAX_MATCHED_LENGTH) return false;
  if (typeof pattern === 'string') return matchesPattern(name, pattern);
  const known = compiled.get(pattern.re2);
  const expression = known ?? RE2JS.compile(pattern.re2);
  if (known === undefined) compiled.set(pattern.re2, expression);
  return expression.test(name);
}

/**
 * Whether a name matches a pattern in which `*` stands for any characters and
 * `?` for one. Linear in memory and at most |name| × |pattern| steps: group
 * names come from outside, so no pattern may be made to backtrack for ever.
 */
export function matchesPattern(name: string, pattern: string): boolean {
  let n = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      n += pattern[p] === '?' ? widthAt(name, n) : 1;
      p++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === '*') p++;
  return p === pattern.length;
}

/** A character outside the Basic Multilingual Plane is two units of a string, and one `?`. */
function widthAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}
