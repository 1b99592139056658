import { DirectoryError } from './directory-error.ts';
import { Membership } from './membership.ts';
import {
  type DirectMembers,
  type GroupPeople,
  peopleOf,
  readDirectMembers,
  readGroups,
  type ScimGroup,
} from './scim-groups.ts';
import type { ScimListing } from './scim-page.ts';
import type { ScimUser } from './scim-user.ts';

/** What is known of one person's groups. */
export interface GroupsOfPerson {
  /** Names without the assignment group; null where the server does not say. */
  readonly groups: readonly string[] | null;
  /** In the assignment group; null where the server does not say, true where none is configured. */
  readonly assigned: boolean | null;
  /** Why `assigned` is null: the member list may have been cut before this person. */
  readonly perhapsCut: boolean;
}

interface Names {
  readonly byId: ReadonlyMap<string, string>;
  readonly assignmentId: string | null;
}

interface Roll {
  /** Null where the members of a group are not told: anybody could be one of them. */
  readonly membership: Membership | null;
  /** Null where no assignment group is configured. */
  readonly assignment: GroupPeople | null;
}

/**
 * The groups of a server, read when they are first needed and kept for the life
 * of this object: one listing, or a few seconds of look-ups. What failed is
 * read again at the next call.
 */
export class ScimGroupBook {
  /** Of `/Groups`. */
  readonly #listing: ScimListing;
  readonly #assignmentGroup: string | null;
  #names: Promise<Names> | null = null;
  #roll: Promise<Roll | null> | null = null;

  constructor(listing: ScimListing, assignmentGroup: string | null) {
    this.#listing = listing;
    this.#assignmentGroup = assignmentGroup;
  }

  /** Id of the assignment group, null where none is configured. Throws `DirectoryError`. */
  async assignmentId(signal: AbortSignal): Promise<string | null> {
    return this.#assignmentGroup === null ? null : (await this.#readNames(signal)).assignmentId;
  }

  /** The groups of one person, from the User where it tells, else from `/Groups`. Throws `DirectoryError`. */
  async describe(user: ScimUser, signal: AbortSignal): Promise<GroupsOfPerson> {
    const assignmentId = await this.assignmentId(signal);
    if (user.groups === null) return this.#describeByRoll(user.id, signal);
    const names = new Set<string>();
    let assigned = this.#assignmentGroup === null;
    for (const entry of user.groups) {
      const name = entry.name ?? (await this.#nameOf(entry.id, signal));
      const isAssignment =
        entry.id === null ? name === this.#assignmentGroup : entry.id === assignmentId;
      if (isAssignment) assigned = true;
      else names.add(name);
    }
    return { groups: [...names], assigned, perhapsCut: false };
  }

  async #describeByRoll(id: string, signal: AbortSignal): Promise<GroupsOfPerson> {
    this.#roll ??= this.#readRoll(signal).catch((error: unknown) => {
      this.#roll = null;
      throw error;
    });
    const roll = await this.#roll;
    const open = this.#assignmentGroup === null;
    if (roll === null) return { groups: null, assigned: open ? true : null, perhapsCut: false };
    const groups = roll.membership?.groupsOf(id) ?? null;
    const { assignment } = roll;
    if (assignment === null || assignment.people.has(id)) {
      return { groups, assigned: true, perhapsCut: false };
    }
    const { told, perhapsCut } = assignment;
    return { groups, assigned: told && !perhapsCut ? false : null, perhapsCut };
  }

  async #readRoll(signal: AbortSignal): Promise<Roll | null> {
    const groups = await readGroups(this.#listing, signal);
    if (groups === null) return null;
    const assignmentId = this.#assignmentGroup === null ? null : this.#findAssignment(groups);
    const direct = await readDirectMembers(this.#listing.http, groups, signal);
    if (direct === null) return null;
    const roleGroups = groups.filter(({ id }) => id !== assignmentId);
    return {
      membership: membershipOf(roleGroups, direct),
      assignment: assignmentId === null ? null : peopleOf(assignmentId, direct),
    };
  }

  async #readNames(signal: AbortSignal): Promise<Names> {
    this.#names ??= this.#fetchNames(signal).catch((error: unknown) => {
      this.#names = null;
      throw error;
    });
    return this.#names;
  }

  async #fetchNames(signal: AbortSignal): Promise<Names> {
    const query = { excludedAttributes: 'members' };
    const groups = await readGroups({ ...this.#listing, query }, signal);
    return {
      assignmentId: this.#assignmentGroup === null ? null : this.#findAssignment(groups),
      byId: new Map((groups ?? []).map(({ id, name }) => [id, name])),
    };
  }

  async #nameOf(id: string | null, signal: AbortSignal): Promise<string> {
    const name = id === null ? undefined : (await this.#readNames(signal)).byId.get(id);
    if (name !== undefined) return name;
    throw new DirectoryError(
      'malformed_answer',
      'A user is in a group that has no name: neither "display" nor an entry of /Groups gives it.',
    );
  }

  #findAssignment(groups: readonly ScimGroup[] | null): string {
    const name = JSON.stringify(this.#assignmentGroup);
    const found = (groups ?? []).filter((group) => group.name === this.#assignmentGroup);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only.id;
    const received = groups === null ? 'a server without /Groups' : `${found.length} of them`;
    throw new DirectoryError(
      'malformed_answer',
      `Expected exactly one assignment group called ${name}, received ${received}.`,
    );
  }
}

function membershipOf(groups: readonly ScimGroup[], direct: DirectMembers): Membership | null {
  const membership = new Membership();
  for (const { id, name } of groups) {
    const { people, told } = peopleOf(id, direct);
    if (!told) return null;
    for (const person of people) membership.add(person, name);
  }
  return membership;
}
