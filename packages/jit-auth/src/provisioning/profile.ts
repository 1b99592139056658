import type { Profile } from '@rollcall/shared/core/user';

/** The attributes that hold e-mail and names; null where the connection has none. */
export interface ProfileAttributes {
  readonly email: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
}

/** Names and e-mail, as asserted: the first value of each. */
export function readProfile(
  attributes: ReadonlyMap<string, readonly string[]>,
  { email, givenName, familyName }: ProfileAttributes,
): Profile {
  const first = (name: string | null): string | null =>
    (name === null ? undefined : attributes.get(name)?.[0]) ?? null;
  return { email: first(email), givenName: first(givenName), familyName: first(familyName) };
}

/** Why an e-mail is of none of the domains that a connection may assert; null where it is, or none are asked for. */
export function emailOutside(
  email: string | null,
  domains: readonly string[],
): Readonly<Record<string, unknown>> | null {
  if (domains.length === 0) return null;
  const domain = email === null ? null : domainOf(email);
  const allowed = domains.map(inLowerCase);
  if (domain !== null && allowed.includes(domain)) return null;
  return { expected: allowed, received: domain ?? 'no e-mail address' };
}

/** No name and no address is longer, in characters; what is would be shown in every list. */
const LONGEST = 1_024;

/** Which text of a profile is too long to be one; null where none is. */
export function textTooLong(profile: Profile): Readonly<Record<string, unknown>> | null {
  for (const [attribute, text] of Object.entries(profile) as [keyof Profile, string | null][]) {
    if (text === null || text.length <= LONGEST) continue;
    const received = `${text.length} characters`;
    return { expected: `at most ${LONGEST} characters`, received, attribute };
  }
  return null;
}

/**
 * The domain of an address; null where it is no address. Of two @, whoever delivers the
 * mail could take the other one, unless the first is in quotes (RFC 5321 §4.1.2).
 */
function domainOf(email: string): string | null {
  const at = email.lastIndexOf('@');
  const local = email.slice(0, Math.max(at, 0));
  if (local === '' || (local.includes('@') && !/^"[^"\\]*"$/.test(local))) return null;
  return inLowerCase(email.slice(at + 1));
}

/** ASCII alone: elsewhere, other letters have the lower case of ours, as the Kelvin sign has k. */
function inLowerCase(domain: string): string {
  return domain.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
