import type { BoundFilter } from '../filter/bound-filter.ts';
import { findByName } from '../schema/attribute-path.ts';
import { GROUP } from '../schema/group.ts';
import { badRequest } from '../scim-error.ts';
import type { PatchOperation } from './patch-request.ts';
import { readPath } from './patch-target.ts';

/** More members than a request can name within the cap of its body. */
export const MAX_MEMBERS = 100_000;

/** What an operation does to the members of a group. Ids are as they were sent. */
export type MemberStep =
  | { readonly kind: 'add' | 'remove' | 'replace'; readonly ids: readonly string[] }
  | { readonly kind: 'remove_all' }
  | { readonly kind: 'remove_where'; readonly where: BoundFilter };

/** A PATCH of a group, taken apart. */
export interface GroupPatch {
  /** In the order in which they came. */
  readonly members: readonly MemberStep[];
  /** What concerns the other attributes. */
  readonly others: readonly PatchOperation[];
}

/**
 * Takes what a PATCH does to the members out of it, so that a group of fifty thousand is
 * not read to add one. Members and other attributes say nothing of each other, so their
 * order among each other does not matter. Pure.
 * Throws `invalidPath`, `invalidFilter`, `invalidValue`, `mutability`, `noTarget`.
 */
export function takeMembersOut(operations: readonly PatchOperation[]): GroupPatch {
  const members: MemberStep[] = [];
  const others: PatchOperation[] = [];
  for (const operation of operations) {
    if (operation.path === null) {
      const { steps, rest } = splitValue(operation);
      members.push(...steps);
      others.push(rest);
    } else {
      const step = stepOf(operation.path, operation);
      if (step === null) others.push(operation);
      else members.push(step);
    }
  }
  return { members, others };
}

/**
 * The members that a whole group names, or null where it says nothing of them.
 * Throws `invalidSyntax` where it names them twice, and `invalidValue`.
 */
export function membersIn(body: unknown): readonly string[] | null {
  if (typeof body !== 'object' || body === null) return null;
  const [entry, ...more] = Object.entries(body).filter(([name]) => namesMembers(name));
  if (more.length > 0) throw badRequest('invalidSyntax', 'members is given twice.');
  return entry === undefined ? null : readMemberIds(entry[1]);
}

/** Whether a name means the members, all of them: a part of them is none that could be set. */
export function namesMembers(name: string): boolean {
  const thing = findByName(GROUP, name);
  return thing?.kind === 'attribute' && thing.attribute.name === 'members' && thing.sub === null;
}

/** Takes what an operation without a path says of members out of its value. */
function splitValue(operation: PatchOperation): {
  readonly steps: readonly MemberStep[];
  readonly rest: PatchOperation;
} {
  const { op, value } = operation;
  if (op === 'remove' || typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { steps: [], rest: operation };
  }
  membersIn(value);
  const others: (readonly [string, unknown])[] = [];
  const steps: MemberStep[] = [];
  for (const [name, said] of Object.entries(value)) {
    const step = leadsToMembers(name) ? stepOf(name, { ...operation, value: said }) : null;
    if (step === null) others.push([name, said]);
    else steps.push(step);
  }
  return { steps, rest: { ...operation, value: Object.fromEntries(others) } };
}

/** Whether a name means the members, a part of them, or some that it selects. */
function leadsToMembers(name: string): boolean {
  const bracket = name.indexOf('[');
  const thing = findByName(GROUP, bracket < 0 ? name : name.slice(0, bracket));
  return thing?.kind === 'attribute' && thing.attribute.name === 'members';
}

function stepOf(path: string, { op, value }: PatchOperation): MemberStep | null {
  const target = readPath(path, GROUP);
  if (target.kind === 'extension' || target.attribute.name !== 'members') return null;
  const { selection, sub } = target;
  if (sub !== null || (selection !== null && op !== 'remove')) {
    throw badRequest('mutability', 'A member cannot be changed: remove it, and add another.');
  }
  if (selection !== null) return { kind: 'remove_where', where: selection.where };
  const unsaid = value === undefined || value === null;
  if (op === 'remove' && unsaid) return { kind: 'remove_all' };
  if (value === undefined) throw badRequest('invalidValue', `${op} needs a value.`);
  return { kind: op, ids: readMemberIds(value) };
}

function readMemberIds(raw: unknown): readonly string[] {
  if (raw === null) return [];
  const given: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  if (given.length > MAX_MEMBERS) {
    throw badRequest('tooMany', `There are more than ${MAX_MEMBERS} members.`);
  }
  return [...new Set(given.flatMap((one) => (one === null ? [] : [readMemberId(one)])))];
}

/** `{ "value": "…", "$ref": null }`, or the bare id. */
function readMemberId(raw: unknown): string {
  if (typeof raw === 'string') return raw;
  const fields = typeof raw === 'object' && raw !== null ? Object.entries(raw) : [];
  const field = (wanted: string): unknown =>
    fields.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const type = field('type');
  if (typeof type === 'string' && type !== '' && type.toLowerCase() !== 'user') {
    throw badRequest('invalidValue', 'Members are users: a group cannot be one.');
  }
  const value = field('value');
  if (typeof value === 'string') return value;
  throw badRequest('invalidValue', 'A member is an object with the id of a user as value.');
}
