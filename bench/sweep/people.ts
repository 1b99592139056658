import { createHash } from 'node:crypto';

/*
 * Everybody has a number, and everything else about them follows from it, alike in the
 * directory (here) and in the database (`seed.ts`).
 */

/** One in so many leaves. */
export const LEAVERS_ONE_IN = 100;
/** So many hold the privileged role; none of them leaves. */
export const ADMINS = 5;

export function isLeaver(person: number): boolean {
  return person % LEAVERS_ONE_IN === 7;
}

/** Random to look at, as the ids of real directories are: their order is not that of the listing. */
export function directoryIdOf(person: number): string {
  return `00u${createHash('md5').update(`person ${person}`).digest('hex').slice(0, 17)}`;
}

/** Five groups each, in some 300,000 combinations; three of them give roles. */
export function groupsOf(person: number): readonly string[] {
  const two = (value: number): string => String(value).padStart(2, '0');
  return [
    'Everyone',
    `BI-Team-${(person * 7) % 211}`,
    `BI-Project-${two((person * 13) % 53)}`,
    `Office-${person % 31}`,
    person < ADMINS ? 'BI-Admins' : 'Newsletter',
  ];
}

/** The rules of roles, as `rollcall.yaml` has them. */
export const ROLE_RULES = [
  { role: 'viewer', when: { any_group: ['Everyone'] } },
  { role: 'analyst', when: { any_group: ['BI-Team-*'] } },
  { role: 'reader', when: { any_group: ['Office-*'] } },
  { role: 'editor', when: { any_group: ['BI-Project-0*', 'BI-Project-1*'] } },
  { role: 'admin', privileged: true, when: { any_group: ['BI-Admins'] }, from: ['acme'] },
];

/** A User as a SCIM server writes it (RFC 7643 §4.1), some 900 bytes. */
export function scimUserOf(person: number): object {
  const id = directoryIdOf(person);
  const email = `person-${person}@acme.example`;
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    id,
    userName: email,
    name: { givenName: `Given${person % 997}`, familyName: `Family${person % 7919}` },
    displayName: `Given${person % 997} Family${person % 7919}`,
    emails: [{ value: email, type: 'work', primary: true }],
    active: true,
    groups: groupsOf(person).map((display) => ({ value: `g-${display}`, display })),
    meta: {
      resourceType: 'User',
      created: '2024-03-01T08:00:00Z',
      lastModified: '2026-01-07T12:30:00Z',
      location: `https://idp.example/scim/v2/Users/${id}`,
    },
  };
}
