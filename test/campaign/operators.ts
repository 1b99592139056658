import { noDirectory } from '@rollcall/sweeper/directories/no-directory';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approveListing } from '@rollcall/sweeper/plan/approve-listing';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { connectionSweepOf } from './connection-sweep-of.ts';
import type { Process, Trouble } from './gate.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';
import { type Company, PRIVILEGED } from './world.ts';

/** What a person at the command line asks for. */
export type OperatorWish =
  | 'approve'
  | 'approve_stale'
  | 'apply'
  | 'reject'
  | 'undo'
  | 'accept_listing';

interface Ask {
  readonly company: Company;
  readonly wish: OperatorWish;
  readonly random: Random;
}

/** Somebody at the command line. */
export async function operate(
  simulation: Simulation,
  ask: Ask,
  troubles: readonly Trouble[] = [],
): Promise<boolean> {
  const { company, wish } = ask;
  const name = `operator ${++simulation.processes}`;
  const operator = simulation.process('operator', name, troubles);
  const done = await carryOut(simulation, ask, operator).then(
    (what) => what,
    (error: unknown) => simulation.expect(error, wish, operator),
  );
  if (operator.killed) simulation.noteCrash(company);
  simulation.tell(`  an operator: ${wish} for ${company.id}: ${done}`);
  simulation.count(`operator ${wish}: ${done}`);
  if (done === 'nothing') return false;
  await readApprovals(simulation);
  await simulation.flush(operator);
  return done === 'done';
}

async function carryOut(
  simulation: Simulation,
  { company, wish, random }: Ask,
  operator: Process,
): Promise<string> {
  const { db } = operator;
  const clock = () => simulation.time.ours();
  if (wish === 'accept_listing') return acceptListing(simulation, company, operator);
  const plan = await choosePlan(simulation, company, wish, random);
  if (plan === null) return 'nothing';
  const { run_id: run, digest, people } = plan;
  switch (wish) {
    case 'approve':
    case 'approve_stale': {
      const approver = simulation.processes % 2 === 0 ? 'oda' : 'olaf';
      await approvePlan(db, { digest, approver, people, reason: 'looked at' }, clock());
      return 'done';
    }
    case 'apply': {
      const sweep = connectionSweepOf(company, noDirectory());
      await applyPlan({ db, sweep, plan: run, operator: 'oda', clock });
      return 'done';
    }
    case 'reject':
      await rejectPlan(db, { plan: run, operator: 'oda', reason: 'they are all there' }, clock);
      return 'done';
    case 'undo': {
      const privilegedRoles = new Set([PRIVILEGED]);
      const order = { plan: run, operator: 'oda', reason: 'was wrong', privilegedRoles };
      await undoPlan({ db, ...order, clock });
      return 'done';
    }
    default:
      return wish satisfies never;
  }
}

async function acceptListing(
  simulation: Simulation,
  company: Company,
  { db }: Process,
): Promise<string> {
  const { rows } = await simulation.harness.query(
    `select id, rows, partial_reason from sweep_runs
      where connection_id = $1 and snapshot_kind is not null order by started_at desc limit 1`,
    [company.id],
  );
  if (rows[0]?.partial_reason !== 'shrunk') return 'nothing';
  const { id: runId, rows: count } = rows[0];
  const approval = {
    connectionId: company.id,
    runId,
    rows: count,
    approver: 'oda',
    reason: 'they left',
  };
  await approveListing(db, approval, simulation.time.ours());
  simulation.acceptedSizes.set(runId, count);
  return 'done';
}

interface ShownPlan {
  readonly run_id: string;
  readonly digest: string;
  readonly state: string;
  readonly people: number;
  readonly applied: number;
}

async function choosePlan(
  simulation: Simulation,
  company: Company,
  wish: OperatorWish,
  random: Random,
): Promise<ShownPlan | null> {
  const waits = ({ state }: ShownPlan): boolean => ['pending', 'held'].includes(state);
  const isWanted = (plan: ShownPlan): boolean => {
    if (wish === 'undo') return plan.applied > 0;
    return wish === 'approve_stale' ? !waits(plan) : waits(plan);
  };
  // Most of the time nothing waits, and the oracle knows.
  if (wish !== 'undo' && wish !== 'approve_stale') {
    if (!simulation.oracle.plans.waits(company.id)) return null;
  }
  const chosen = (await plansOf(simulation, company)).filter(isWanted);
  return chosen.length === 0 ? null : random.pick(chosen);
}

async function plansOf(simulation: Simulation, company: Company): Promise<readonly ShownPlan[]> {
  const { rows } = await simulation.harness.query<ShownPlan>(
    `select p.run_id, p.digest, p.state,
            (select count(distinct l.user_id)::int from plan_lines l where l.run_id = p.run_id and l.waits
                and l.outcome is null and l.brake_class is not null) as people,
            (select count(*)::int from plan_lines l where l.run_id = p.run_id
                and l.outcome = 'applied' and l.undo_outcome is null) as applied
       from plans p where p.connection_id = $1 and p.state <> 'drafting' order by p.created_at, p.run_id`,
    [company.id],
  );
  return rows;
}

async function readApprovals(simulation: Simulation): Promise<void> {
  const { rows } = await simulation.harness.query<{
    run_id: string;
    approvers: number;
    people: number;
  }>(
    `select p.run_id, count(distinct a.approver)::int as approvers, max(a.people) as people
       from plans p join plan_approvals a using (digest) group by p.run_id`,
  );
  for (const { run_id, approvers, people } of rows) {
    const population = simulation.oracle.populationOf(run_id);
    const needed = people > 1 && people * 5 > population ? 2 : 1;
    if (approvers >= needed) simulation.approved.add(run_id);
  }
}
