import type { CompleteSnapshot, Standing } from '@rollcall/shared/core/evidence';
import type { DirectoryId, Subject, UserId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Directory } from '../directories/port.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import type { Lease } from './lease.ts';
import { pickCanary } from './snapshot-rows.ts';

/** So many people are asked for between two looks at the canary. */
const ROUND = 100;
/** So many look-ups are under way at once. */
const AT_ONCE = 8;

export interface LookUpTools {
  readonly db: Database;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  readonly clock: () => EpochMs;
}

/** How the look-ups of a run went. */
export interface LookUpTally {
  readonly asked: number;
  /** False where the canary was not found: what was asked then does not count, and the rest is not asked. */
  readonly canaryAnswered: boolean;
}

/**
 * Asks the directory, by immutable id, for everybody with access who is missing from
 * the snapshot. A canary (somebody whom the snapshot calls present) is looked up
 * before and after each round: where it is not found, nobody's absence counts.
 */
export async function lookUpMissing(
  sweep: ConnectionSweep,
  snapshot: CompleteSnapshot,
  tools: LookUpTools,
): Promise<LookUpTally> {
  const { directory } = sweep;
  if (!directory.capabilities.lookUp) return { asked: 0, canaryAnswered: true };
  const canary = await pickCanary(tools.db, snapshot.runId);
  let asked = 0;
  let cursor: UserId | null = null;
  let answered: boolean | null = null;
  for (;;) {
    const missing: readonly Missing[] = await readMissing(tools.db, sweep, snapshot, cursor);
    const last = missing.at(-1);
    if (last === undefined) return { asked, canaryAnswered: answered ?? true };
    cursor = last.id;
    const round = missing.filter((one) => !sweep.policy.protectedSubjects.has(one.subject));
    if (round.length === 0) continue;
    answered ??= await isThere(directory, canary, tools.signal);
    if (!answered) return { asked, canaryAnswered: false };
    const answers = await askAll(directory, round, tools);
    answered = await isThere(directory, canary, tools.signal);
    asked += answers.length;
    await record(answers, answered, snapshot, tools.lease);
  }
}

interface Missing {
  readonly id: UserId;
  readonly directory_id: DirectoryId;
  readonly subject: Subject;
}

/** The next people of whom only a look-up can say whether they are gone. */
function readMissing(
  db: Database,
  sweep: ConnectionSweep,
  snapshot: CompleteSnapshot,
  cursor: UserId | null,
): Promise<Missing[]> {
  let query = db
    .selectFrom('users')
    .select(['id', 'directory_id', 'subject'])
    .where('connection_id', '=', sweep.connectionId)
    .where('owner', '=', 'roll')
    .where('state', 'in', ['active', 'suspected', 'contained'])
    .where('protected', '=', false)
    .where('directory_id', 'is not', null)
    .where((where) =>
      where.or([
        where('last_assertion_at', 'is', null),
        where('last_assertion_at', '<', toTimestamp(snapshot.startedAt)),
      ]),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('snapshot_members as member')
            .select('member.run_id')
            .where('member.run_id', '=', snapshot.runId)
            .whereRef('member.directory_id', '=', 'users.directory_id'),
        ),
      ),
    )
    .orderBy('id')
    .limit(ROUND);
  if (cursor !== null) query = query.where('id', '>', cursor);
  return query.$narrowType<{ directory_id: DirectoryId }>().execute();
}

interface Answer {
  readonly userId: UserId;
  readonly standing: Standing;
  readonly at: EpochMs;
}

async function askAll(
  directory: Directory,
  round: readonly Missing[],
  tools: LookUpTools,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const waiting = [...round];
  const ask = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      tools.signal.throwIfAborted();
      const { standing } = await directory.lookUp(next.directory_id, tools.signal);
      answers.push({ userId: next.id, standing, at: tools.clock() });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  tools.signal.throwIfAborted();
  return answers;
}

async function isThere(
  directory: Directory,
  canary: DirectoryId | null,
  signal: AbortSignal,
): Promise<boolean> {
  if (canary === null) return false;
  return (await directory.lookUp(canary, signal)).standing === 'present';
}

async function record(
  answers: readonly Answer[],
  canaryAnswered: boolean,
  snapshot: CompleteSnapshot,
  lease: Lease,
): Promise<void> {
  const canary = canaryAnswered ? ('present' as const) : ('failed' as const);
  await lease.write((tx) =>
    tx
      .insertInto('look_ups')
      .values(
        answers.map(({ userId, standing, at }) => ({
          run_id: snapshot.runId,
          user_id: userId,
          standing,
          canary,
          seen_in: 'look_up' as const,
          at: toTimestamp(at),
        })),
      )
      .execute(),
  );
}
