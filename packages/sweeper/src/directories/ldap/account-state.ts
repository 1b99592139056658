import type { EpochMs } from '@rollcall/shared/core/time';
import { DirectoryError } from '../directory-error.ts';
import { type LdapEntry, textOf } from './entry.ts';

/** Which product answers: each says in its own words that an account is shut. */
export type LdapServer = 'active_directory' | 'openldap' | '389ds';

/** Attributes that say whether an account is shut. Operational ones come only where they are named. */
export const STATE_ATTRIBUTES: Readonly<Record<LdapServer, readonly string[]>> = {
  active_directory: ['userAccountControl', 'accountExpires'],
  openldap: ['pwdAccountLockedTime'],
  '389ds': ['nsAccountLock'],
};

/** MS-ADTS §2.2.16: ADS_UF_ACCOUNTDISABLE. */
const DISABLED = 0x2;
/** `accountExpires` where an account never does (MS-ADA1 §2.3), besides 0. */
const NEVER = 9_223_372_036_854_775_807n;
/** Between the epoch of FILETIME, 1601, and that of Unix, in steps of 100 ns. */
const UNIX_EPOCH = 116_444_736_000_000_000n;
/** draft-behera-ldap-password-policy §5.3.3: locked until an administrator opens it. */
const LOCKED_FOR_GOOD = '000001010000Z';

/**
 * Whether an account is shut for good. A lock that ends by itself (`lockoutTime`,
 * another `pwdAccountLockedTime`) is none: too many wrong passwords, typed by whomever,
 * must not take anybody's access. Throws `DirectoryError` where Active Directory does not
 * say it: an account that may not read `userAccountControl` would see everybody enabled.
 */
export function isShut(entry: LdapEntry, server: LdapServer, now: EpochMs): boolean {
  switch (server) {
    case 'active_directory':
      return isDisabledInActiveDirectory(entry) || hasExpired(entry, now);
    case 'openldap':
      return textOf(entry, 'pwdAccountLockedTime') === LOCKED_FOR_GOOD;
    case '389ds':
      return textOf(entry, 'nsAccountLock')?.toUpperCase() === 'TRUE';
    default:
      return server satisfies never;
  }
}

function isDisabledInActiveDirectory(entry: LdapEntry): boolean {
  const flags = Number(textOf(entry, 'userAccountControl') ?? Number.NaN);
  if (!Number.isSafeInteger(flags)) {
    throw new DirectoryError(
      'malformed_answer',
      'Expected userAccountControl of each person, received none: the account may not read it.',
    );
  }
  return (flags & DISABLED) !== 0;
}

function hasExpired(entry: LdapEntry, now: EpochMs): boolean {
  const text = textOf(entry, 'accountExpires') ?? '0';
  if (!/^[0-9]{1,19}$/.test(text)) {
    throw new DirectoryError('malformed_answer', 'Expected accountExpires as a count of 100 ns.');
  }
  const expires = BigInt(text);
  if (expires === 0n || expires === NEVER) return false;
  return (expires - UNIX_EPOCH) / 10_000n <= BigInt(now);
}
