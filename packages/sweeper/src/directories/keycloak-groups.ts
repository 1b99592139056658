import { type Fields, readCount, readFields, readId, readList, readText } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import type { HttpClient } from './http-client.ts';
import { readByOffset } from './keycloak-paging.ts';
import { Membership } from './membership.ts';

/** Whether a group is called by its name or by its path (`/sales/emea`), as the SAML mapper sends it. */
export type GroupNameForm = 'name' | 'path';

/** Where the groups of a realm are read. */
export interface RealmGroups {
  readonly http: HttpClient;
  /** Such as `/admin/realms/acme`. */
  readonly realmPath: string;
  readonly pageSize: number;
  readonly form: GroupNameForm;
}

interface Group {
  readonly id: string;
  readonly name: string;
}

/**
 * Who is directly in which groups, subgroups included as groups of their own:
 * what the group mapper of a SAML client sends too. Throws `DirectoryError`;
 * `forbidden` where the realm counts more groups than it shows us.
 */
export async function readRealmMembership(
  realm: RealmGroups,
  signal: AbortSignal,
): Promise<Membership> {
  const membership = new Membership();
  for (const { id, name } of await readAllGroups(realm, signal)) {
    const path = `${realm.realmPath}/groups/${encodeURIComponent(id)}/members`;
    for await (const { rows } of readByOffset({ ...realm, path }, signal)) {
      for (const [index, row] of rows.entries()) {
        membership.add(readId(row.id, `row ${index + 1} of a page of ${path}`), name);
      }
    }
  }
  return membership;
}

/** The names of the groups that one person is directly in. Throws `DirectoryError`. */
export async function readGroupsOfUser(
  realm: RealmGroups,
  userPath: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = new Set<string>();
  const path = `${userPath}/groups`;
  for await (const { rows } of readByOffset({ ...realm, path }, signal)) {
    for (const row of rows) names.add(toGroup(row, realm.form, path).name);
  }
  return [...names];
}

async function readAllGroups(realm: RealmGroups, signal: AbortSignal): Promise<readonly Group[]> {
  const groups: Group[] = [];
  const open = [`${realm.realmPath}/groups`];
  for (let path = open.shift(); path !== undefined; path = open.shift()) {
    for await (const { rows } of readByOffset({ ...realm, path }, signal)) {
      for (const row of rows) collect(row, realm, path, groups, open);
    }
  }
  // A service account without view-users is shown no groups at all, with status 200.
  const expected = await countGroups(realm, signal);
  if (expected === groups.length) return groups;
  throw new DirectoryError(
    'forbidden',
    `Expected ${expected} groups as counted by the realm, received ${groups.length}: ` +
      'the service account needs view-users of realm-management, or groups changed meanwhile.',
  );
}

/** Takes a group and its subgroups: nested in the answer before Keycloak 23, behind `children` since. */
function collect(
  row: Fields,
  realm: RealmGroups,
  path: string,
  groups: Group[],
  open: string[],
): void {
  const group = toGroup(row, realm.form, path);
  groups.push(group);
  const nested = row.subGroups === undefined ? [] : readList(row.subGroups, `subGroups of ${path}`);
  for (const child of nested) {
    collect(readFields(child, `a subgroup of ${path}`), realm, path, groups, open);
  }
  const count = row.subGroupCount ?? nested.length;
  if (readCount(count, `subGroupCount of ${path}`) > 0 && nested.length === 0) {
    open.push(`${realm.realmPath}/groups/${encodeURIComponent(group.id)}/children`);
  }
}

function toGroup(row: Fields, form: GroupNameForm, path: string): Group {
  const where = `a group of ${path}`;
  return { id: readId(row.id, where), name: readText(row[form], `${form} of ${where}`) };
}

async function countGroups({ http, realmPath }: RealmGroups, signal: AbortSignal): Promise<number> {
  const path = `${realmPath}/groups/count`;
  const { body } = await http.send({ target: path }, signal);
  return readCount(readFields(body, `the answer of ${path}`).count, `count of ${path}`);
}
