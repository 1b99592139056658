import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { type Fields, readFields, readLabel, readText } from '../answer-fields.ts';
import { DirectoryError } from '../directory-error.ts';

/** What Okta calls a person; whether they are shut out until somebody lets them in again. */
const STATUSES: ReadonlyMap<string, 'present' | 'disabled'> = new Map([
  ['STAGED', 'present'],
  ['PROVISIONED', 'present'],
  ['ACTIVE', 'present'],
  ['RECOVERY', 'present'],
  ['PASSWORD_EXPIRED', 'present'],
  // Anybody can lock somebody out by typing wrong passwords.
  ['LOCKED_OUT', 'present'],
  ['SUSPENDED', 'disabled'],
  ['DEPROVISIONED', 'disabled'],
]);

/** Reads a User. Throws `DirectoryError` where it has a status that nobody has heard of. */
export function readStanding(
  user: Fields,
  where: string,
): Pick<DirectoryMember, 'standing' | 'label'> {
  const status = readText(user.status, `the status of the user in ${where}`);
  const standing = STATUSES.get(status);
  if (standing === undefined) {
    throw new DirectoryError(
      'malformed_answer',
      `In ${where}, expected a status of Okta, received another text.`,
    );
  }
  const profile = readFields(user.profile, `the profile of the user in ${where}`);
  return { standing, label: readLabel(profile.login) };
}
