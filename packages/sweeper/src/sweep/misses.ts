import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { UserId } from '@rollcall/shared/core/ids';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database, Tx } from '@rollcall/shared/db/database';
import { fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { KnownUser } from '../reconcile/known-user.ts';
import type { Run } from './run.ts';

/** Adds to each of a part how often they were missing, where the directory answers no look-ups. */
export async function withMisses(
  { db, sweep }: Pick<Run, 'db' | 'sweep'>,
  part: readonly KnownUser[],
): Promise<readonly KnownUser[]> {
  if (sweep.policy.misses === undefined) return part;
  const missing = part.filter(({ member }) => member === null).map(({ user }) => user.id);
  const misses = await readMisses(db, missing);
  return part.map((person) => ({ ...person, misses: misses.get(person.user.id) ?? [] }));
}

async function readMisses(
  db: Database,
  ids: readonly UserId[],
): Promise<ReadonlyMap<UserId, readonly EpochMs[]>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('misses')
    .select(['user_id', 'as_of'])
    .where(sql<boolean>`user_id = any(${[...ids]}::uuid[])`)
    .execute();
  const byUser = Map.groupBy(rows, (row) => row.user_id);
  return new Map([...byUser].map(([id, own]) => [id, own.map((row) => fromTimestamp(row.as_of))]));
}

/**
 * Writes down whom of a part a complete snapshot lacks, and forgets the misses of whom it
 * names. In every mode, as with look-ups: it is what the directory said, and does nothing.
 */
export async function recordMisses(
  run: Run,
  snapshot: CompleteSnapshot,
  part: readonly KnownUser[],
): Promise<void> {
  if (run.sweep.policy.misses === undefined) return;
  const listed = part.filter(({ member }) => member !== null).map(({ user }) => user.id);
  const missing = part
    .filter(({ user, member }) => member === null && isConcerned(user))
    .map(({ user }) => user.id);
  await run.lease.write(async (tx) => {
    await forgetMisses(tx, listed);
    if (missing.length === 0) return;
    const at = toTimestamp(run.clock());
    const row = { as_of: toTimestamp(snapshot.startedAt), at, run_id: run.runId };
    await tx
      .insertInto('misses')
      .values(missing.map((user_id) => ({ user_id, ...row })))
      .onConflict((conflict) => conflict.columns(['user_id', 'as_of']).doNothing())
      .execute();
  });
}

function isConcerned({ owner, state, directoryId }: KnownUser['user']): boolean {
  return owner === 'roll' && hasAccess(state) && directoryId !== null;
}

async function forgetMisses(tx: Tx, ids: readonly UserId[]): Promise<void> {
  if (ids.length === 0) return;
  await tx
    .deleteFrom('misses')
    .where(sql<boolean>`user_id = any(${[...ids]}::uuid[])`)
    .execute();
}
