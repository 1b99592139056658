import type { Command } from 'commander';
import type { Run } from '../invocation.ts';
import { addSessionsList } from './sessions-list.ts';
import { addSessionsRevoke } from './sessions-revoke.ts';

/** `rollcall sessions …` */
export function addSessions(parent: Command, run: Run): void {
  const sessions = parent
    .command('sessions')
    .summary('list and revoke sessions')
    .description('Who is signed in; and the end of it, at once on every instance.');
  addSessionsList(sessions, run);
  addSessionsRevoke(sessions, run);
}
