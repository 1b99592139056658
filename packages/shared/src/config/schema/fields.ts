import * as z from 'zod';
import { closestName } from '../closest-name.ts';
import { DURATION_FORM, formatDuration, parseDuration } from '../duration.ts';
import type { ConfigIssueCode } from '../issues.ts';

/** What reading one value gave: the value, or a sentence about what is wrong with it. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly wrong: string; readonly code?: ConfigIssueCode };

/** A value for an error message: quoted, printable and short. Never for a secret. */
export function quote(value: string): string {
  const shown = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return JSON.stringify(shown);
}

/** The kind of a value in words, without the value: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number' || typeof value === 'bigint') return 'a number';
  if (typeof value === 'boolean') return 'true or false';
  return `a ${typeof value}`;
}

/** The error of a value of the wrong kind, or of one that is not there. */
export function expecting(expected: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) =>
    input === undefined
      ? `is missing: expected ${expected}`
      : `expected ${expected}, received ${kindOf(input)}`;
}

/** A mapping in which every unknown key is an error, with a suggestion where one is near. */
export function mapping<Shape extends z.core.$ZodShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => unknownKeyMessage(key, known)).join('\n')
        : expecting('a mapping')(issue),
  });
}

/** One line per key: `issues.ts` gives each key its own position. */
function unknownKeyMessage(key: string, known: readonly string[]): string {
  const near = closestName(key, known);
  if (near !== null) return `unknown key ${quote(key)}: did you mean "${near}"?`;
  const shown = mayShowKey(key)
    ? `unknown key ${quote(key)}`
    : 'a key that is not known (not shown)';
  return `${shown}: expected ${known.length === 1 ? '' : 'one of '}${known.join(', ')}`;
}

/**
 * Whether an unknown key looks like the name of a key. In `{ s3cr3t-value }` a
 * value stands where a key belongs, and it may be a secret: that is not repeated.
 */
export function mayShowKey(key: string): boolean {
  return /^[a-z][a-z_-]{0,31}$/i.test(key);
}

/** A list of at least `min` entries. */
export function list<Item extends z.ZodType>(item: Item, expected: string, min = 0) {
  return z
    .array(item, { error: expecting(expected) })
    .min(min, { error: () => `expected ${expected}, received an empty list` });
}

/** Text that `read` turns into a value, or refuses with a sentence. */
export function textAs<T>(expected: string, read: (text: string) => Reading<T>) {
  return z.string({ error: expecting(expected) }).transform((text, context): T => {
    const reading = read(text);
    if (reading.ok) return reading.value;
    context.issues.push({
      code: 'custom',
      input: undefined,
      message: reading.wrong,
      params: { code: reading.code ?? 'config.bad_value' },
    });
    return z.NEVER;
  });
}

const CONTROL = /\p{Cc}/u;

/** Plain text of 1 to `max` characters, on one line, without spaces around it. */
export function name(what: string, max = 256) {
  const expected = `${what} of 1 to ${max} characters`;
  return textAs(expected, (text) => {
    const good =
      text.length > 0 && text.length <= max && text.trim() === text && !CONTROL.test(text);
    return good
      ? { ok: true, value: text }
      : { ok: false, wrong: `expected ${expected} on one line, without spaces around it` };
  });
}

/** A name that must match a pattern; `form` says in words what the pattern says. */
export function patterned(pattern: RegExp, form: string) {
  return textAs(form, (text) =>
    pattern.test(text)
      ? { ok: true, value: text }
      : { ok: false, wrong: `expected ${form}, received ${quote(text)}` },
  );
}

/** One word out of a few. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  const expected = words.length === 1 ? words[0] : `one of ${words.join(', ')}`;
  return z.enum(words, {
    error: (issue) => {
      if (typeof issue.input !== 'string') return expecting(expected)(issue);
      const near = closestName(issue.input, words);
      const advice = near === null ? '' : `: did you mean "${near}"?`;
      return `expected ${expected}, received ${quote(issue.input)}${advice}`;
    },
  });
}

/** `true` or `false`. */
export function flag() {
  return z.boolean({ error: expecting('true or false') });
}

/** A duration from `min` to `max` (as written in the file), as milliseconds. */
export function duration(min: string, max: string) {
  const [minMs, maxMs] = [parseDuration(min), parseDuration(max)];
  if (minMs === null || maxMs === null) throw new RangeError(`no durations: ${min}, ${max}`);
  return textAs(DURATION_FORM, (text) => {
    const durationMs = parseDuration(text);
    if (durationMs === null) {
      return { ok: false, wrong: `expected ${DURATION_FORM}, received ${quote(text)}` };
    }
    if (durationMs < minMs || durationMs > maxMs) {
      const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
      return { ok: false, wrong: `expected a duration from ${range}, received ${quote(text)}` };
    }
    return { ok: true, value: durationMs };
  });
}

/** A whole number within bounds. */
export function count(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  const refused = { error: () => `expected ${expected}` };
  return z
    .number({ error: expecting(expected) })
    .int(refused)
    .min(min, refused)
    .max(max, refused);
}
