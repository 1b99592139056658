import * as z from 'zod';
import { connectionId } from './connection.ts';
import { expecting, flag, list, mapping, name, patterned } from './fields.ts';
import { pattern, refuseLostKey } from './patterns.ts';

const ROLE = /^[a-z][a-z0-9_-]{0,62}$/;
const ROLE_FORM =
  'a role of lower-case letters, digits, "_" and "-", beginning with a letter, at most 63 characters';

/** The name of a role. */
export function roleName() {
  return patterned(ROLE, ROLE_FORM);
}

/** One entry of `roles`; `load.ts` adds where it is written. */
export function roleRuleSchema() {
  return mapping({
    role: roleName(),
    privileged: flag().default(false),
    when: whenSchema(),
    from: list(connectionId(), 'a list of connection ids', 1).optional(),
  }).transform((rule) => ({
    role: rule.role,
    privileged: rule.privileged,
    when: rule.when,
    from: rule.from ?? null,
  }));
}

function whenSchema() {
  const groups = 'a list of group names';
  return mapping({
    any_group: list(pattern('a group name'), groups, 1).optional(),
    all_groups: list(name('a group name'), groups, 1).optional(),
    attributes: attributeConditions().optional(),
  }).transform((when) => ({
    anyGroup: when.any_group ?? [],
    allGroups: when.all_groups ?? [],
    attributes: when.attributes ?? {},
  }));
}

/** `{ name: value }` or `{ name: [value, value] }`: any of the values will do, patterns too. */
function attributeConditions() {
  const form = 'text (in quotes where it is a number or true/false), or a list of such';
  const value = z.preprocess(
    (given) => (typeof given === 'string' || isExpression(given) ? [given] : given),
    list(pattern('an attribute value', 1024), form, 1),
  );
  const conditions = z.record(name('the name of an attribute'), value, {
    error: expecting('a mapping of attribute names to values'),
  });
  return refuseLostKey(conditions);
}

function isExpression(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 're2' in given;
}
