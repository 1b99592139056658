import type { Decision } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import { signInHealth } from '@rollcall/shared/core/sign-in-health';
import { readSignInFacts } from '@rollcall/shared/db/sign-in-facts';
import { countWithAccess, readBrakeHistory, readPrivileged } from '../plan/brake-facts.ts';
import { beginPlan, type PlanDraft } from '../plan/draft.ts';
import { lineOf } from '../plan/line.ts';
import {
  type BrakeOutcome,
  brake,
  classOf,
  countPeople,
  type PeopleCounts,
  type Population,
} from '../reconcile/brake.ts';
import { decide } from '../reconcile/decide.ts';
import type { KnownUser } from '../reconcile/known-user.ts';
import { compare } from './comparison.ts';
import { confirmPresent } from './confirm-present.ts';
import { doubtfulUsers, withEvidence } from './known-users.ts';
import { beginLookUps } from './look-ups.ts';
import { recordMisses, withMisses } from './misses.ts';
import type { Run } from './run.ts';
import { warnOfSilence, withSilence } from './silence.ts';
import { requireSnapshot } from './snapshot-rows.ts';

/** A plan whose lines are stored as a draft. */
export interface MadePlan {
  readonly digest: string;
  /** What the connection's own limits say. */
  readonly brake: BrakeOutcome;
  readonly people: PeopleCounts;
  readonly withAccess: number;
  /** How many decisions there were, by `kind reason`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Whether somebody's absence was seen that a later look-up can confirm. */
  readonly unconfirmed: boolean;
}

/**
 * Decides about every user of a connection: those for whom nothing can follow are told by
 * the database; the others part by part: looks up who of the part is missing, decides,
 * writes the lines down, and confirms who is present. Only what the brake counts is kept
 * in memory.
 */
export async function makePlan(run: Run, snapshot: CompleteSnapshot): Promise<MadePlan> {
  const { db, lease, runId, sweep } = run;
  const { connectionId, configuration } = sweep;
  const now = run.clock();
  const withAccess = await countWithAccess(db, connectionId);
  const history = await readBrakeHistory(db, connectionId, now);
  const head = { runId, connectionId, configuration, population: withAccess, now };
  const draft = await beginPlan(lease, { ...head, expiresMs: sweep.planExpiresMs });
  const lookUps = beginLookUps(run, snapshot);
  const signIn = signInHealth(await readSignInFacts(db, connectionId), now);
  const { users: of_people, doubts, kept } = await compare(run, snapshot);
  let decided = of_people - doubts;
  const tally: Tally = { counts: countsOf(kept), taking: [], privileged: new Map() };
  for await (const part of doubtfulUsers(db, runId)) {
    run.signal.throwIfAborted();
    await lookUps.ask(part);
    const decidedAt = run.clock();
    const evidence = await withEvidence(db, connectionId, part, decidedAt);
    const people = await withSilence(run, await withMisses(run, evidence), decidedAt);
    const decisions = decide(snapshot, people, sweep.policy, decidedAt, signIn);
    await count(run, decisions, tally);
    const population = { withAccess, privileged: tally.privileged };
    await writeLines(draft, decisions, people, snapshot, population);
    await recordMisses(run, snapshot, people);
    await warnOfSilence(run, people, decidedAt);
    await confirmPresent(run, snapshot, people);
    decided += people.length;
    await run.checkpoint.advance('deciding', { people: decided, of_people });
  }
  // Whoever was read after the snapshot was lost would have been found missing.
  await requireSnapshot(db, runId, snapshot.rows);
  const { counts, privileged } = tally;
  return {
    digest: await draft.finish(),
    brake: brake(tally.taking, history, sweep.limits, { withAccess, privileged }),
    people: countPeople(tally.taking),
    withAccess,
    counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    unconfirmed: counts.has('suspect absent_once') || counts.has('keep waiting_for_confirmation'),
  };
}

/** What is known of all parts together. */
interface Tally {
  readonly counts: Map<string, number>;
  /** The decisions that the brake counts. */
  readonly taking: Decision[];
  readonly privileged: Map<Decision['userId'], readonly string[]>;
}

function countsOf(kept: ReadonlyMap<string, number>): Map<string, number> {
  const some = [...kept].filter(([, count]) => count > 0);
  return new Map(some.map(([reason, count]) => [`keep ${reason}`, count]));
}

async function count(run: Run, decisions: readonly Decision[], tally: Tally): Promise<void> {
  for (const decision of decisions) {
    const name = `${decision.kind} ${decision.reason}`;
    tally.counts.set(name, (tally.counts.get(name) ?? 0) + 1);
  }
  const taking = decisions.filter((decision) => classOf(decision) !== null);
  const held = await readPrivileged(
    run.db,
    taking.map((decision) => decision.userId),
    run.sweep.privilegedRoles,
  );
  for (const [id, roles] of held) tally.privileged.set(id, roles);
  tally.taking.push(...taking.map(withoutDetail));
}

async function writeLines(
  draft: PlanDraft,
  decisions: readonly Decision[],
  people: readonly KnownUser[],
  snapshot: CompleteSnapshot,
  population: Population,
): Promise<void> {
  for (const [index, decision] of decisions.entries()) {
    const person = people[index];
    if (person === undefined) throw new RangeError('a decision without its user');
    const line = lineOf(decision, person, snapshot, population);
    if (line !== null) await draft.add(line);
  }
}

/** The brake counts people; what a line explains stays in the database. */
function withoutDetail(decision: Decision): Decision {
  if (decision.kind !== 'change_roles') return decision;
  return { ...decision, roles: [], gain: [], because: [] };
}
