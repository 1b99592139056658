import type { ResourceType } from '../schema/schema.ts';

/** How many names are listed. */
const MOST_NAMES = 8;

/** `user` or `group`. */
export function nameIn(type: ResourceType): string {
  return type.name.toLowerCase();
}

/** The field of an object, whatever the case of its name; undefined where there is none. */
export function fieldOf(raw: unknown, name: string): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined;
  return Object.entries(raw).find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1];
}

/** Whether somebody is to have access; null where nothing is said of it. */
export function saysActive(body: unknown): boolean | null {
  return asBoolean(fieldOf(body, 'active'));
}

/** `true`, or `"True"` as some clients write it; null for everything else. */
export function asBoolean(raw: unknown): boolean | null {
  if (typeof raw === 'boolean') return raw;
  if (typeof raw !== 'string') return null;
  const text = raw.toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
}

/** ` with 3 members`, or nothing where there are none. */
export function membersNamed(body: unknown): string {
  const members = fieldOf(body, 'members');
  const many = Array.isArray(members) ? members.length : 0;
  return many === 0 ? '' : ` with ${membersIn(many)}`;
}

/** `1 member`, `3 members`. */
export function membersIn(many: number): string {
  return many === 1 ? '1 member' : `${many} members`;
}

/** `a, b and 3 more`: each name once. */
export function listed(names: readonly string[]): string {
  const once = [...new Set(names)];
  const shown = once.slice(0, MOST_NAMES);
  const more = once.length - shown.length;
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}
