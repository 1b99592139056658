import { type Fields, readFields, readText } from '../answer-fields.ts';
import type { HttpClient } from '../http-client.ts';
import { Membership } from '../membership.ts';
import { readChain } from '../page-chain.ts';
import { oktaChain } from './pages.ts';

/** Okta advises no more for members of groups. */
const PAGE_SIZE = 200;

/** Who is in which groups of the organisation. Throws `DirectoryError`. */
export async function readOrgMembership(
  http: HttpClient,
  signal: AbortSignal,
): Promise<Membership> {
  const membership = new Membership();
  const groups: { readonly id: string; readonly name: string }[] = [];
  for await (const { rows } of readChain(oktaChain(http, '/api/v1/groups', PAGE_SIZE), signal)) {
    for (const { id, fields, where } of rows) groups.push({ id, name: nameOf(fields, where) });
  }
  for (const { id, name } of groups) {
    const path = `/api/v1/groups/${encodeURIComponent(id)}/users`;
    for await (const { rows } of readChain(oktaChain(http, path, PAGE_SIZE), signal)) {
      for (const row of rows) membership.add(row.id, name);
    }
  }
  return membership;
}

/** The names of the groups of one person. Throws `DirectoryError`. */
export async function readGroupsOfUser(
  http: HttpClient,
  segment: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = new Set<string>();
  const path = `/api/v1/users/${segment}/groups`;
  for await (const { rows } of readChain(oktaChain(http, path, PAGE_SIZE), signal)) {
    for (const { fields, where } of rows) names.add(nameOf(fields, where));
  }
  return [...names];
}

function nameOf(fields: Fields, where: string): string {
  return readText(readFields(fields.profile, `the profile of ${where}`).name, `name of ${where}`);
}
