import { createHash } from 'node:crypto';

/*
 * Everybody has a number, and everything else about them follows from it, alike here and
 * in the database (`seed.ts`).
 */

const CORE = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** The group whose members are counted in ten thousands, and which gives a role. */
export const LARGE_GROUP = 'BI-Analysts';

export function userNameOf(person: number): string {
  return `person-${person}@acme.example`;
}

/** Random to look at, as the ids of real directories are. */
export function externalIdOf(person: number): string {
  return createHash('md5').update(`external ${person}`).digest('hex');
}

/** The id that the database gives them. */
export function idOf(person: number): string {
  const hash = createHash('md5').update(`user ${person}`).digest('hex');
  return hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A User as Okta posts one (RFC 7643 §4.1, §4.3), some 650 bytes. */
export function postedUser(person: number, more: object = {}): object {
  const userName = userNameOf(person);
  const [givenName, familyName] = [`Given${person % 997}`, `Family${person % 7919}`];
  return {
    schemas: [CORE, ENTERPRISE],
    userName,
    externalId: externalIdOf(person),
    name: { givenName, familyName },
    displayName: `${givenName} ${familyName}`,
    emails: [{ value: userName, type: 'work', primary: true }],
    title: `Title ${person % 40}`,
    locale: 'en-US',
    active: true,
    [ENTERPRISE]: { employeeNumber: String(person), department: `Department ${person % 60}` },
    ...more,
  };
}

/** A PATCH with these operations (RFC 7644 §3.5.2). */
export function patchOf(...operations: readonly object[]): object {
  return { schemas: [PATCH_OP], Operations: operations };
}
