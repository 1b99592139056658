import type { Config } from '@rollcall/shared/config/types';
import type { EpochMs } from '@rollcall/shared/core/time';
import { rolesOf, type User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { recordsOfPerson } from '@rollcall/shared/db/persons';
import { grantsOf } from '@rollcall/shared/db/users';
import { type BesideState, besideState } from '@rollcall/shared/explanation/beside-state';
import { countLiveSessions } from '@rollcall/shared/explanation/explain-user';

/** One record, with the roles that it gives and the sessions that are live by it. */
export interface ShownRecord {
  readonly user: User;
  readonly roles: readonly string[];
  readonly liveSessions: number;
}

/** A user, and the other records of the same person. */
export interface ShownUser extends ShownRecord {
  readonly joined: readonly ShownRecord[];
  readonly beside: BesideState;
}

/** Reads what `users show` shows. Changes nothing. */
export async function showUser(
  db: Database,
  config: Config,
  user: User,
  now: EpochMs,
): Promise<ShownUser> {
  const records = await recordsOfPerson(db, user);
  const { idleMs } = config.session;
  const shown = await Promise.all(
    records.map(async (record) => ({
      user: record,
      roles: rolesOf(await grantsOf(db, record.id)),
      liveSessions: await countLiveSessions(db, record, idleMs, now),
    })),
  );
  const own = shown.find((one) => one.user.id === user.id);
  const joined = shown.filter((one) => one !== own);
  const beside = await besideState(db, user, now);
  return { ...(own ?? { user, roles: [], liveSessions: 0 }), joined, beside };
}
