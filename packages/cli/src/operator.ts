import { userInfo } from 'node:os';

/** Who is at the keyboard; a process without an entry in the user database has only a number. */
export function operatorName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
