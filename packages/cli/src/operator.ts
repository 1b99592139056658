import { userInfo } from 'node:os';
import type { Environment } from '@rollcall/shared/config/types';
import type { Approver } from '@rollcall/sweeper/reconcile/approvers';

/**
 * Who is at the keyboard: the account of this process, or the one that went to the
 * superuser by `sudo`; a process without an entry in the user database has only a number.
 */
export function operatorName(env: Environment = process.env): string {
  const before = env.SUDO_USER?.trim() ?? '';
  if (process.getuid?.() === 0 && before !== '') return before;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/**
 * Who approves: the name that was given, else the account, and the account in any case. A
 * name is believed: whoever can run this holds the password of the database anyway.
 */
export function approverNamed(name: string | undefined, env: Environment): Approver {
  const account = operatorName(env);
  return { name: name ?? account, account };
}
