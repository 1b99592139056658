import { type MemberStep, takeMembersOut } from '../patch/member-steps.ts';
import { type PatchOperation, readPatch } from '../patch/patch-request.ts';
import { findByName } from '../schema/attribute-path.ts';
import { GROUP } from '../schema/group.ts';
import type { ResourceType } from '../schema/schema.ts';
import { USER } from '../schema/user.ts';
import { asBoolean, listed, membersIn } from './words.ts';

const UNREADABLE = 'in a way that cannot be read';

/** What a PATCH of a user was meant to do. Pure; never throws. */
export function meaningOfUserPatch(body: unknown): string {
  const changes = changesIn(body, USER);
  if (changes === null) return `Changes the user ${UNREADABLE}.`;
  const others = changes.filter(({ name }) => name !== 'active').map(({ name }) => name);
  const active = changes.findLast(({ name }) => name === 'active');
  const said = active === undefined ? null : asBoolean(active.value);
  const access = said === null ? [] : [said ? 'gives the user access' : "ends the user's access"];
  const changed = others.length === 0 ? [] : [`changes ${listed(others)}`];
  return sentence([...access, ...changed], 'Changes nothing of the user');
}

/** What a PATCH of a group was meant to do. Pure; never throws. */
export function meaningOfGroupPatch(body: unknown): string {
  try {
    const { members, others } = takeMembersOut(readPatch(body));
    const names = others.flatMap((operation) => namesIn(operation, GROUP)).map(({ name }) => name);
    const changed = names.length === 0 ? [] : [`changes ${listed(names)}`];
    return sentence([...members.map(stepSentence), ...changed], 'Changes nothing of the group');
  } catch {
    return `Changes the group ${UNREADABLE}.`;
  }
}

function stepSentence(step: MemberStep): string {
  switch (step.kind) {
    case 'add':
      return `adds ${membersIn(step.ids.length)}`;
    case 'remove':
      return `removes ${membersIn(step.ids.length)}`;
    case 'replace':
      return step.ids.length === 0
        ? 'removes all members'
        : `replaces the members by ${step.ids.length}`;
    case 'remove_all':
      return 'removes all members';
    case 'remove_where':
      return 'removes members by a filter';
    default:
      return step satisfies never;
  }
}

interface Change {
  readonly name: string;
  readonly value: unknown;
}

function changesIn(body: unknown, type: ResourceType): readonly Change[] | null {
  try {
    return readPatch(body).flatMap((operation) => namesIn(operation, type));
  } catch {
    return null;
  }
}

/** The attributes that an operation names. What is in brackets is the client's, and left out. */
function namesIn({ path, value }: PatchOperation, type: ResourceType): readonly Change[] {
  if (path !== null) return [{ name: nameOf(path, type), value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([name, one]) => ({ name: nameOf(name, type), value: one }));
}

function nameOf(path: string, type: ResourceType): string {
  const found = findByName(type, path.replace(/\[.*$/s, '').trim());
  if (found === null) return 'an attribute that is none';
  return found.kind === 'extension' ? 'an extension' : found.attribute.name;
}

const MOST_PARTS = 8;

function sentence(parts: readonly string[], none: string): string {
  const more = parts.length - MOST_PARTS;
  const said = more > 0 ? [...parts.slice(0, MOST_PARTS), `and ${more} more`] : parts;
  const text = said.length === 0 ? none : said.join(', ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
