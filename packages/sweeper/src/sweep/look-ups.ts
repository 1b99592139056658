import type { CompleteSnapshot, Standing } from '@rollcall/shared/core/evidence';
import type { DirectoryId, UserId } from '@rollcall/shared/core/ids';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import type { EpochMs } from '@rollcall/shared/core/time';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Directory } from '../directories/port.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import type { ListedUser } from './known-users.ts';
import type { Run } from './run.ts';
import { pickCanary } from './snapshot-rows.ts';

/** So many people are asked for between two looks at the canary. */
const ROUND = 100;
/** So many look-ups are under way at once. */
const AT_ONCE = 8;

/** The look-ups of one run. */
export interface LookUps {
  /** Asks, by immutable id, for those of a part who have access and are not listed. */
  ask(part: readonly ListedUser[]): Promise<void>;
}

/**
 * Begins the look-ups of a run. A canary (somebody whom the snapshot calls present) is
 * looked up before and after each round: where it is not found, nobody's absence
 * counts, and nobody else is asked for.
 */
export function beginLookUps(run: Run, snapshot: CompleteSnapshot): LookUps {
  const { sweep, signal } = run;
  const { directory } = sweep;
  let canary: DirectoryId | null = null;
  let answered: boolean | null = null;
  return {
    ask: async (part) => {
      const people = part.flatMap((one) => missingPerson(one, sweep, snapshot) ?? []);
      if (people.length === 0 || !directory.capabilities.lookUp || answered === false) return;
      canary ??= await pickCanary(run.db, snapshot.runId);
      answered ??= await isThere(directory, canary, signal);
      for (let first = 0; answered && first < people.length; first += ROUND) {
        const answers = await askAll(run, people.slice(first, first + ROUND));
        answered = await isThere(directory, canary, signal);
        await record(run, answers, answered);
      }
    },
  };
}

interface Missing {
  readonly userId: UserId;
  readonly directoryId: DirectoryId;
}

/** Somebody of whom only a look-up can say whether they are gone, and whom it may concern. */
function missingPerson(
  { user, member }: ListedUser,
  sweep: ConnectionSweep,
  snapshot: CompleteSnapshot,
): Missing | null {
  if (member !== null || user.directoryId === null || user.owner !== 'roll') return null;
  if (!hasAccess(user.state) || user.protected) return null;
  if (sweep.policy.protectedSubjects.has(user.subject)) return null;
  if (user.lastAssertionAt !== null && user.lastAssertionAt >= snapshot.startedAt) return null;
  return { userId: user.id, directoryId: user.directoryId };
}

interface Answer {
  readonly userId: UserId;
  readonly standing: Standing;
  readonly at: EpochMs;
}

async function askAll(run: Run, round: readonly Missing[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const waiting = [...round];
  const ask = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      run.signal.throwIfAborted();
      const { standing } = await run.sweep.directory.lookUp(next.directoryId, run.signal);
      answers.push({ userId: next.userId, standing, at: run.clock() });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  run.signal.throwIfAborted();
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
  run: Run,
  answers: readonly Answer[],
  canaryAnswered: boolean,
): Promise<void> {
  const canary = canaryAnswered ? ('present' as const) : ('failed' as const);
  await run.lease.write((tx) =>
    tx
      .insertInto('look_ups')
      .values(
        answers.map(({ userId, standing, at }) => ({
          run_id: run.runId,
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
