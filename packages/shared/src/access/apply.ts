import type { Actor } from '../core/actor.ts';
import type { EpochMs } from '../core/time.ts';
import type { Tx } from '../db/database.ts';
import type { AccessChange, AccessOutcome } from './change.ts';
import { recordDispute } from './dispute.ts';
import { joinRecords, separateRecord } from './person.ts';
import { changeProtection } from './protection.ts';
import {
  revokeNamedSessions,
  revokeSessionsOfConnection,
  revokeSessionsOfUser,
} from './revocation.ts';
import { changeRoles } from './role-change.ts';
import { endSession } from './session-end.ts';
import { recordRefusal, signIn } from './sign-in.ts';
import { changeState } from './state-change.ts';
import { undoChange } from './undo.ts';

/**
 * THE ONE WRITER. Whatever happens to somebody's access, whoever asks for it,
 * happens here: state, grants, sessions, audit and outbox in the caller's
 * transaction, so that all of it is there or none (invariants 6 and 10).
 *
 * It checks again, under a lock on the user's row, what the caller believed:
 * a newer sign-in or version makes the change `stale`, and a rule that forbids
 * it (protected, SCIM-owned, another cause, the last admins) `refused`. Neither
 * is thrown: only a broken database throws, and then nothing has happened.
 *
 * The caller commits. After a deadlock it runs the whole transaction again
 * (`inTransaction` does).
 */
export function apply(
  tx: Tx,
  change: AccessChange,
  actor: Actor,
  now: EpochMs,
): Promise<AccessOutcome> {
  switch (change.kind) {
    case 'sign_in':
      return signIn(tx, change, actor, now);
    case 'sign_in_refused':
      return recordRefusal(tx, change, actor, now);
    case 'verifiers_disagreed':
      return recordDispute(tx, change, actor, now);
    case 'suspect':
    case 'contain':
    case 'release':
    case 'deactivate':
    case 'restore':
      return changeState(tx, change, actor, now);
    case 'change_roles':
      return changeRoles(tx, change, actor, now);
    case 'undo':
      return undoChange(tx, change, actor, now);
    case 'end_session':
      return endSession(tx, change, actor, now);
    case 'end_sessions_of_user':
      return revokeSessionsOfUser(tx, change, actor, now);
    case 'end_sessions_of_connection':
      return revokeSessionsOfConnection(tx, change, actor, now);
    case 'end_sessions_by_name':
      return revokeNamedSessions(tx, change, actor, now);
    case 'join':
      return joinRecords(tx, change, actor, now);
    case 'separate':
      return separateRecord(tx, change, actor, now);
    case 'protect':
    case 'unprotect':
      return changeProtection(tx, change, actor, now);
    default:
      return change satisfies never;
  }
}
