import type { Actor } from '../core/actor.ts';
import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import type { Tx } from '../db/database.ts';
import { recordsOfPerson } from '../db/persons.ts';
import { findUser } from '../db/users.ts';
import { apply } from './apply.ts';
import type {
  AccessChange,
  AccessOutcome,
  ProtectionChange,
  StateChange,
  UserSessionsEnd,
} from './change.ts';
import { lockPrivilegedRoles } from './privileged.ts';

/** What an administrator does to a person, whichever record was named. */
export type PersonChange =
  | (StateChange & { readonly kind: 'deactivate' | 'restore' })
  | ProtectionChange
  | UserSessionsEnd;

/** What became of one record. */
export interface RecordOutcome {
  /** The record as it was before. */
  readonly record: User;
  readonly outcome: AccessOutcome;
}

/**
 * Does the same to every record of a person, each by `apply`: an administrator means the
 * person, and whoever is shut out must not come in by another connection. Empty where
 * there is no such user. The caller rolls back where one outcome may not stand alone.
 */
export async function applyToPerson(
  tx: Tx,
  change: PersonChange,
  actor: Actor,
  now: EpochMs,
): Promise<readonly RecordOutcome[]> {
  // Nobody is joined with the person from here on.
  await lockPrivilegedRoles(tx);
  const named = await findUser(tx, change.userId);
  if (named === null) return [];
  const outcomes: RecordOutcome[] = [];
  for (const record of await recordsOfPerson(tx, named)) {
    const outcome = await apply(tx, stepFor(change, record), actor, now);
    outcomes.push({ record, outcome });
  }
  return outcomes;
}

/** To an administrator, giving back is one thing: whoever is contained need only be released. */
function stepFor(change: PersonChange, { id: userId, state }: User): AccessChange {
  if (change.kind === 'restore' && state === 'contained') {
    return { ...change, kind: 'release', userId };
  }
  return { ...change, userId };
}
