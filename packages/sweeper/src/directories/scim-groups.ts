import { readFields, readId, readLabel, readList, readText } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import type { HttpClient } from './http-client.ts';
import { segmentOf } from './look-up-answer.ts';
import type { ScimListing } from './scim-page.ts';
import { readScimPages } from './scim-paging.ts';
import { attributeOf, isScimError, SCIM_HEADERS } from './scim-protocol.ts';

/** A Group and who is directly in it (RFC 7643 §4.2). */
export interface ScimGroup {
  readonly id: string;
  readonly name: string;
  /** Ids of people and of groups; null where the server left the attribute out. */
  readonly members: readonly string[] | null;
}

/**
 * Ids of people and of groups, by the id of the group that they are directly in; null
 * where the server does not say who is in it, which is not the same as nobody.
 */
export type DirectMembers = ReadonlyMap<string, readonly string[] | null>;

/**
 * Reads every Group. Null where the server says, in SCIM's own words, that it has
 * no `/Groups`. Throws `DirectoryError`.
 *
 * @param listing of `/Groups`; `excludedAttributes: 'members'` where names will do.
 */
export async function readGroups(
  listing: ScimListing,
  signal: AbortSignal,
): Promise<readonly ScimGroup[] | null> {
  if (!(await servesGroups(listing.http, signal))) return null;
  const groups: ScimGroup[] = [];
  for await (const page of readScimPages(listing, signal)) {
    for (const [index, row] of page.rows.entries()) {
      groups.push(readGroup(row, `row ${index + 1} of a page of /Groups`));
    }
  }
  return groups;
}

/**
 * The direct members of every group by its id. Null where no group shows any
 * member: then the server keeps memberships to itself. Throws `DirectoryError`.
 */
export async function readDirectMembers(
  http: HttpClient,
  groups: readonly ScimGroup[],
  signal: AbortSignal,
): Promise<DirectMembers | null> {
  const direct = new Map<string, readonly string[] | null>();
  for (const { id, members } of groups) {
    direct.set(id, members ?? (await readMembers(http, id, signal)));
  }
  return [...direct.values()].some((members) => (members?.length ?? 0) > 0) ? direct : null;
}

/** Everybody in a group, as far as the server tells. */
export interface GroupPeople {
  readonly people: ReadonlySet<string>;
  /** Whether the server named the members of the group and of every group in it. */
  readonly told: boolean;
  /** Whether one of the lists is as long as a limit would be: it may have been cut there. */
  readonly perhapsCut: boolean;
}

/**
 * Everybody in a group, members of groups in it included, as `User.groups` would
 * say (RFC 7643 §4.1.2: direct or indirect). Circles of groups do no harm.
 */
export function peopleOf(groupId: string, direct: DirectMembers): GroupPeople {
  const people = new Set<string>();
  const visited = new Set([groupId]);
  const open = [groupId];
  let [told, perhapsCut] = [true, false];
  for (let group = open.pop(); group !== undefined; group = open.pop()) {
    const members = direct.get(group) ?? null;
    if (members === null) told = false;
    else if (isLikeALimit(members.length)) perhapsCut = true;
    for (const member of members ?? []) {
      if (!direct.has(member)) people.add(member);
      else if (!visited.has(member)) {
        visited.add(member);
        open.push(member);
      }
    }
  }
  return { people, told, perhapsCut };
}

/** Where servers cut things off. */
const USUAL_LIMITS = new Set([100, 200, 250, 256, 500, 512, 1000, 1024, 2000, 2048, 5000, 10_000]);

/**
 * `members` has no pages and no total (RFC 7643 §4.2): a server that shows only so many
 * does not say so. Only the usual limits raise the doubt: a group that honestly has
 * such a size keeps whoever left it until it has another.
 */
function isLikeALimit(length: number): boolean {
  return USUAL_LIMITS.has(length);
}

/** One small question first, so that a 404 in the middle of a listing stays an error. */
async function servesGroups(http: HttpClient, signal: AbortSignal): Promise<boolean> {
  const answer = await http.send(
    {
      target: '/Groups',
      query: { count: '1', excludedAttributes: 'members' },
      headers: SCIM_HEADERS,
      expects: [404, 501],
    },
    signal,
  );
  if (answer.status === 200) return true;
  if (isScimError(answer, answer.status)) return false;
  throw new DirectoryError(
    'request_failed',
    `/Groups answered ${answer.status}, and not in the shape of a SCIM error.`,
  );
}

function readGroup(value: unknown, where: string): ScimGroup {
  const fields = readFields(value, where);
  return {
    id: readId(attributeOf(fields, 'id'), where),
    name: readText(attributeOf(fields, 'displayName'), `displayName of ${where}`),
    members: readMemberIds(attributeOf(fields, 'members'), where),
  };
}

/** Some servers leave members out of listings and show them here. */
async function readMembers(
  http: HttpClient,
  groupId: string,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const segment = segmentOf(groupId);
  if (segment === null) {
    throw new DirectoryError('malformed_answer', 'A group has an id that no path can hold.');
  }
  const where = `group ${JSON.stringify(groupId)}`;
  const answer = await http.send({ target: `/Groups/${segment}`, headers: SCIM_HEADERS }, signal);
  const group = readGroup(answer.body, where);
  if (group.id === groupId) return group.members;
  throw new DirectoryError('malformed_answer', `Asked for ${where}, received another one.`);
}

function readMemberIds(value: unknown, where: string): readonly string[] | null {
  if (value === undefined || value === null) return null;
  return readList(value, `members of ${where}`).map((entry) => {
    const id = readLabel(attributeOf(readFields(entry, `a member of ${where}`), 'value'));
    if (id !== null) return id;
    throw new DirectoryError('malformed_answer', `A member of ${where} has no value.`);
  });
}
