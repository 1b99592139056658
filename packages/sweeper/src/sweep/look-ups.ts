import type { CompleteSnapshot, Standing } from '@rollcall/shared/core/evidence';
import type { DirectoryId, UserId } from '@rollcall/shared/core/ids';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Directory } from '../directories/port.ts';
import { signedInSince } from '../reconcile/known-user.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import type { ListedUser } from './known-users.ts';
import type { Run } from './run.ts';
import { doEach } from './side-by-side.ts';
import { pickCanaries } from './snapshot-rows.ts';

/** So many people are asked for between two looks at the canary. */
const ROUND = 100;
/** So many look-ups are under way at once. */
const AT_ONCE = 8;
/** So many canaries are tried: a server may list somebody whom it will not show. */
const CANARIES = 3;

/** The look-ups of one run. */
export interface LookUps {
  /**
   * Asks, by immutable id, for those of a part who have access and of whom the listing
   * does not say enough: missing, or called gone though they signed in since it began.
   */
  ask(part: readonly ListedUser[]): Promise<void>;
}

/**
 * Begins the look-ups of a run. A canary (somebody whom the snapshot calls present, the
 * first of a few whom a look-up finds) is looked up before the first round and after
 * each: where it is not found, nobody's absence counts, and nobody else is asked for.
 */
export function beginLookUps(run: Run, snapshot: CompleteSnapshot): LookUps {
  const { sweep, signal } = run;
  const { directory } = sweep;
  let canary: DirectoryId | null = null;
  let answered: boolean | null = null;
  let lookedUp = 0;
  const findCanary = async (): Promise<boolean> => {
    for (const candidate of await pickCanaries(run.db, snapshot.runId, CANARIES)) {
      canary = candidate;
      if (await isThere(directory, candidate, signal)) return true;
    }
    return false;
  };
  return {
    ask: async (part) => {
      const people = part.flatMap((one) => personToAskFor(one, sweep, snapshot) ?? []);
      if (people.length === 0 || !directory.capabilities.lookUp || answered === false) return;
      await run.checkpoint.advance('looking_up', { looked_up: lookedUp });
      answered ??= await findCanary();
      for (let first = 0; answered && first < people.length; first += ROUND) {
        const answers = await askAll(run, people.slice(first, first + ROUND));
        answered = await isThere(directory, canary, signal);
        await record(run, answers, answered);
        lookedUp += answers.length;
        await run.checkpoint.advance('looking_up', { looked_up: lookedUp });
      }
    },
  };
}

interface Doubtful {
  readonly userId: UserId;
  readonly directoryId: DirectoryId;
  /** Their last sign-in that we know of. */
  readonly signedInAt: EpochMs | null;
}

/** Somebody of whom only a look-up can say whether they are gone, and whom it may concern. */
function personToAskFor(
  { user, member }: ListedUser,
  sweep: ConnectionSweep,
  snapshot: CompleteSnapshot,
): Doubtful | null {
  if (member?.standing === 'present') return null;
  // A listing that calls somebody disabled needs no look-up, unless a sign-in is newer.
  if (member !== null && !signedInSince(user, snapshot)) return null;
  if (user.directoryId === null || user.owner !== 'roll') return null;
  if (!hasAccess(user.state) || user.protected) return null;
  if (sweep.policy.protectedSubjects.has(user.subject)) return null;
  return { userId: user.id, directoryId: user.directoryId, signedInAt: user.lastAssertionAt };
}

interface Answer {
  readonly userId: UserId;
  readonly standing: Standing;
  readonly at: EpochMs;
}

async function askAll(run: Run, round: readonly Doubtful[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  await doEach(round, AT_ONCE, async (one) => {
    run.signal.throwIfAborted();
    const { standing } = await run.sweep.directory.lookUp(one.directoryId, run.signal);
    answers.push({ userId: one.userId, standing, at: timeOfAnswer(run, one) });
  });
  run.signal.throwIfAborted();
  return answers;
}

/**
 * The look-up was sent after the sign-in was stored, so that its answer is the newer of
 * the two even where the identity provider's clock, which dates the sign-in, is ahead.
 */
function timeOfAnswer(run: Run, { signedInAt }: Doubtful): EpochMs {
  const now = run.clock();
  return signedInAt === null || now > signedInAt ? now : after(signedInAt, 1);
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
