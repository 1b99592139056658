/** What a group is for: `role` and `everyone` are sent in assertions, `assignment` never is. */
export type GroupKind = 'role' | 'everyone' | 'assignment';

/** A group of the directory. */
export interface GroupRecord {
  /** Opaque and immutable, `g_` and hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly kind: GroupKind;
}

/** A person of the directory, as stored. Times are milliseconds since the epoch. */
export interface PersonRecord {
  /** Opaque and immutable, `p_` and hexadecimal digits: the SCIM `id` and the SAML `uid`. */
  readonly id: string;
  /** The employee number, which is deliberately not the id. */
  readonly externalId: string;
  readonly userName: string;
  readonly email: string;
  readonly givenName: string;
  readonly familyName: string;
  /** Names of groups of kind `role` and `everyone`; assignment is told by `assigned`. */
  readonly groups: readonly string[];
  /** Member of the assignment group, so allowed into the application. */
  readonly assigned: boolean;
  readonly disabled: boolean;
  /** Gone from the directory; the record stays here so that it can be restored. */
  readonly removed: boolean;
  readonly createdAt: number;
  readonly changedAt: number;
}

/** The one state that a page shows; the gravest wins: removed, disabled, unassigned, active. */
export type PersonState = 'active' | 'disabled' | 'removed' | 'unassigned';

/** What has to be given for a new person; the rest has a default. */
export type NewPerson = Pick<
  PersonRecord,
  'id' | 'userName' | 'email' | 'givenName' | 'familyName'
> &
  Partial<Pick<PersonRecord, 'externalId' | 'groups' | 'assigned'>>;

/** The group of which everybody is a member. */
export const EVERYONE = 'Everyone';

/** The group whose members are assigned to the application. */
export const ASSIGNMENT_GROUP = 'Analytics App';

/** The groups of a new directory. */
export const SEED_GROUPS: readonly GroupRecord[] = [
  { id: 'g_1c9e04b7', name: 'BI-Analysts', kind: 'role' },
  { id: 'g_52f8a6d3', name: 'BI-Editors', kind: 'role' },
  { id: 'g_8b30d71f', name: 'BI-Admins', kind: 'role' },
  { id: 'g_a4672e95', name: 'Finance-Team', kind: 'role' },
  { id: 'g_d95b3f08', name: EVERYONE, kind: 'everyone' },
  { id: 'g_f02d8c61', name: ASSIGNMENT_GROUP, kind: 'assignment' },
];

/**
 * The people of a new directory. The ids never change, so that a tutorial can
 * name them. Their order as ids differs from their order here, which shows
 * whether a client really sorts by id. Ada has several groups, Charles has
 * none that any role is for, Émilie has letters outside ASCII.
 */
const SEED_PEOPLE: readonly NewPerson[] = [
  seed('p_7f3a91c2', '1001', 'Ada', 'Lovelace', ['BI-Analysts', 'BI-Editors', 'Finance-Team']),
  seed('p_2b86e05d', '1002', 'Grace', 'Hopper', ['BI-Admins']),
  seed('p_c41d7e98', '1003', 'Alan', 'Turing', ['BI-Analysts']),
  seed('p_95e0b3a7', '1004', 'Katherine', 'Johnson', ['BI-Analysts', 'Finance-Team']),
  seed('p_0d72f4b6', '1005', 'Hedy', 'Lamarr', ['BI-Editors']),
  seed('p_e8195c3f', '1006', 'Edsger', 'Dijkstra', ['BI-Editors']),
  seed('p_4ac6280e', '1007', 'Émilie', 'du Châtelet', ['BI-Admins'], 'emilie'),
  seed('p_b3507da1', '1008', 'Charles', 'Babbage', []),
];

function seed(
  id: string,
  number: string,
  givenName: string,
  familyName: string,
  groups: readonly string[],
  name = givenName.toLowerCase(),
): NewPerson {
  const email = `${name}@acme.example`;
  return { id, externalId: `emp-${number}`, userName: email, email, givenName, familyName, groups };
}

/** A full record out of a new person; everybody is in {@link EVERYONE}. */
export function createPerson(person: NewPerson, now: number): PersonRecord {
  return {
    id: person.id,
    externalId: person.externalId ?? `emp-${person.id}`,
    userName: person.userName,
    email: person.email,
    givenName: person.givenName,
    familyName: person.familyName,
    groups: withEveryone(person.groups ?? []),
    assigned: person.assigned ?? true,
    disabled: false,
    removed: false,
    createdAt: now,
    changedAt: now,
  };
}

/** The people of a new directory, all active and assigned. */
export function seedPeople(now: number): readonly PersonRecord[] {
  return SEED_PEOPLE.map((person) => createPerson(person, now));
}

/** The names, without repeats, and {@link EVERYONE} last. */
export function withEveryone(names: readonly string[]): readonly string[] {
  return [...new Set(names.filter((name) => name !== EVERYONE)), EVERYONE];
}

/** The state that a page shows for a person. */
export function stateOf(person: PersonRecord): PersonState {
  if (person.removed) return 'removed';
  if (person.disabled) return 'disabled';
  return person.assigned ? 'active' : 'unassigned';
}

/** Given and family name, as people write them. */
export function fullName(person: Pick<PersonRecord, 'givenName' | 'familyName'>): string {
  return `${person.givenName} ${person.familyName}`.trim();
}
