import * as z from 'zod';
import { faultOfRe2, hasWildcard, MAX_RE2_LENGTH, type Pattern } from '../../core/pattern.ts';
import { kindOf, mapping, name, quote, textAs } from './fields.ts';

/**
 * Text, in which `*` and `?` may be wildcards, or `{ re2: EXPRESSION }`: a mapping, so that
 * no name can be mistaken for an expression.
 */
export function pattern(what: string, max = 256): z.ZodType<Pattern, Pattern> {
  const text = name(what, max);
  const expression = mapping({ re2: re2() });
  return z.custom<Pattern>().transform((given: unknown, context): Pattern => {
    if (typeof given !== 'string' && kindOf(given) !== 'a mapping') {
      const wanted = `expected ${what} (in quotes where it is a number or true/false), or { re2: EXPRESSION }`;
      const message = `${wanted}, received ${kindOf(given)}`;
      context.issues.push({ code: 'custom', input: undefined, message, params: WRONG_TYPE });
      return z.NEVER;
    }
    const parsed = (typeof given === 'string' ? text : expression).safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.issues.push(issue as z.core.$ZodRawIssue);
    return z.NEVER;
  });
}

const WRONG_TYPE = { code: 'config.wrong_type' };

function re2() {
  const expected = `an expression in the syntax of RE2, of 1 to ${MAX_RE2_LENGTH} characters`;
  return textAs(expected, (text) => {
    const fault = faultOfRe2(text);
    if (fault === null) return { ok: true, value: text };
    return { ok: false, wrong: `expected ${expected}, received ${quote(text)}: ${fault}` };
  });
}

/** Text that stands for one thing alone, without wildcards. */
export function exactName(what: string) {
  return name(what).refine((text) => !hasWildcard(text), {
    error: () => `expected ${what} without * and ?`,
  });
}

const LEFT_OUT = '__proto__';

/** Refuses the one key that a record would leave out without a word, and a condition with it. */
export function refuseLostKey<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess<unknown, Schema, z.input<Schema>>((given, context) => {
    if (typeof given === 'object' && given !== null && Object.hasOwn(given, LEFT_OUT)) {
      const message = `the key ${quote(LEFT_OUT)} is not allowed`;
      context.issues.push({ code: 'custom', input: undefined, message });
    }
    return given;
  }, schema);
}
