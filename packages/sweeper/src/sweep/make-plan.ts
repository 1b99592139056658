import type { Decision } from '@rollcall/shared/core/decision';
import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { countWithAccess, readBrakeHistory, readPrivileged } from '../plan/brake-facts.ts';
import { beginPlan } from '../plan/draft.ts';
import { lineOf } from '../plan/line.ts';
import { type BrakeOutcome, brake, classOf } from '../reconcile/brake.ts';
import { decide } from '../reconcile/decide.ts';
import type { ConnectionSweep } from './connection-sweep.ts';
import { knownUsers } from './known-users.ts';
import type { Lease } from './lease.ts';

/** A plan whose lines are stored as a draft. */
export interface MadePlan {
  readonly digest: string;
  readonly brake: BrakeOutcome;
  /** How many decisions there were, by `kind reason`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Whether somebody's absence was seen that a later look-up can confirm. */
  readonly unconfirmed: boolean;
}

/**
 * Decides about every user of a connection, part by part, and writes the lines down.
 * Only what the brake counts is kept in memory.
 */
export async function makePlan(
  sweep: ConnectionSweep,
  snapshot: CompleteSnapshot,
  tools: { readonly db: Database; readonly lease: Lease; readonly signal: AbortSignal },
  now: EpochMs,
): Promise<MadePlan> {
  const { db, lease } = tools;
  const { connectionId, configuration } = sweep;
  const { runId } = snapshot;
  const withAccess = await countWithAccess(db, connectionId);
  const history = await readBrakeHistory(db, connectionId, now);
  const head = { runId, connectionId, configuration, population: withAccess, now };
  const draft = await beginPlan(lease, { ...head, expiresMs: sweep.planExpiresMs });
  const counts = new Map<string, number>();
  const counted: Decision[] = [];
  const privileged = new Map<Decision['userId'], readonly string[]>();
  for await (const people of knownUsers(db, connectionId, runId, now)) {
    tools.signal.throwIfAborted();
    const decisions = decide(snapshot, people, sweep.policy, now);
    const taking = decisions.filter((decision) => classOf(decision) !== null);
    const held = await readPrivileged(
      db,
      taking.map((decision) => decision.userId),
    );
    for (const [id, roles] of held) privileged.set(id, roles);
    counted.push(...taking.map(withoutDetail));
    for (const [index, decision] of decisions.entries()) {
      const name = `${decision.kind} ${decision.reason}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const person = people[index];
      if (person === undefined) throw new RangeError('a decision without its user');
      const line = lineOf(decision, person, snapshot, { withAccess, privileged: held });
      if (line !== null) await draft.add(line);
    }
  }
  return {
    digest: await draft.finish(),
    brake: brake(counted, history, sweep.limits, { withAccess, privileged }),
    counts: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    unconfirmed: counts.has('suspect absent_once') || counts.has('keep waiting_for_confirmation'),
  };
}

/** The brake counts people; what a line explains stays in the database. */
function withoutDetail(decision: Decision): Decision {
  if (decision.kind !== 'change_roles') return decision;
  return { ...decision, roles: [], gain: [], because: [] };
}
