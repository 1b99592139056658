import type { Job, JobOutcome } from '@rollcall/shared/queue/job';
import type { Log } from '@rollcall/shared/telemetry/log';
import { noDirectory } from '@rollcall/sweeper/directories/no-directory';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { SWEEP_JOB, TEND_JOB } from '@rollcall/sweeper/jobs/payload';
import { workOnTending } from '@rollcall/sweeper/jobs/tend';
import { type SweepWork, workOnSweep } from '@rollcall/sweeper/jobs/work';
import { planSweep } from '@rollcall/sweeper/sweep/plan-sweep';
import { Hearing, overheard } from './answers.ts';
import { connectionSweepOf } from './connection-sweep-of.ts';
import { noteDaysUntilNow } from './door.ts';
import type { Fault } from './faults.ts';
import type { Process, Trouble } from './gate.ts';
import { openScimDirectory } from './scim-server.ts';
import { FaultyView, SimulatedDirectory } from './simulated-directory.ts';
import type { Simulation } from './simulation.ts';
import type { Company } from './world.ts';

/** How one sweep goes wrong. */
export interface SweepOptions {
  readonly trigger?: 'schedule' | 'confirmation' | 'operator';
  readonly faults?: readonly Fault[];
  readonly troubles?: readonly Trouble[];
  readonly planOnly?: boolean;
  /** The job that asks for it, where one waited in the queue. */
  readonly job?: Job;
}

/** One job of the sweep, done by a worker of its own. */
export async function sweep(
  simulation: Simulation,
  company: Company,
  options: SweepOptions = {},
): Promise<void> {
  const { faults = [], trigger = 'schedule' } = options;
  await noteDaysUntilNow(simulation, company);
  simulation.sweeps += 1;
  const process = hire(simulation, options.troubles);
  const { name } = process;
  const words = faults.map((fault) => JSON.stringify(fault)).join(' ');
  simulation.tell(`${name} sweeps ${company.id} (${trigger}) ${words}`);
  for (const fault of faults) simulation.count(`fault ${fault.kind}`);
  const hearing = new Hearing(name, company.id, faults);
  simulation.hearings.push(hearing);
  const view = new FaultyView(
    company,
    faults,
    simulation.time,
    `${name} ${simulation.random.uuid()}`,
  );
  const directory = overheard(await open(simulation, company, view), hearing, {
    company,
    process,
    order: () => simulation.nextOrder(),
    now: () => simulation.time.now,
    ours: () => simulation.time.now + simulation.time.skew,
  });
  const work = workOf(simulation, company, process, directory);
  const sweepOf = connectionSweepOf(company, directory);
  if (options.planOnly === true) {
    await planSweep(sweepOf, work.tools).catch((error: unknown) =>
      simulation.expect(error, 'plan', process),
    );
  } else {
    const payload = { connectionId: company.id, trigger };
    const fresh = { id: simulation.random.uuid(), name: SWEEP_JOB, payload };
    const job: Job = options.job ?? { ...fresh, attempt: 1, attempts: 3, abandoned: 0 };
    await doJob(simulation, process, job, () => workOnSweep(job, work));
  }
  await end(simulation, company, process);
}

/** One look after a held plan, by a worker of its own. */
export async function tend(
  simulation: Simulation,
  company: Company,
  options: Pick<SweepOptions, 'troubles' | 'job'> = {},
): Promise<void> {
  const process = hire(simulation, options.troubles);
  simulation.tell(`${process.name} looks after what ${company.id} has held`);
  simulation.count('tend');
  const work = workOf(simulation, company, process, noDirectory());
  const payload = { connectionId: company.id };
  const fresh = { id: `tend-${company.id}`, name: TEND_JOB, payload };
  const job: Job = options.job ?? { ...fresh, attempt: 1, attempts: 3, abandoned: 0 };
  await doJob(simulation, process, job, () => workOnTending(job, work));
  await end(simulation, company, process);
}

/** Confirming runs, looks after held plans, and others whose time has come. */
export async function deliverJobs(simulation: Simulation): Promise<void> {
  for (const job of simulation.queue.due()) {
    const { connectionId, trigger } = job.payload as {
      connectionId: string;
      trigger?: 'confirmation';
    };
    const company = simulation.world.companies.find(({ id }) => id === connectionId);
    if (company === undefined) continue;
    simulation.count(`job ${job.name} delivered`);
    if (job.name === TEND_JOB) await tend(simulation, company, { job });
    else await sweep(simulation, company, { trigger: trigger ?? 'schedule', job });
  }
}

function hire(simulation: Simulation, troubles: readonly Trouble[] = []): Process {
  simulation.processes += 1;
  return simulation.process('worker', `worker ${simulation.processes}`, troubles);
}

function workOf(
  simulation: Simulation,
  company: Company,
  process: Process,
  directory: Directory,
): SweepWork {
  const sweeps = new Map([[company.id as string, connectionSweepOf(company, directory)]]);
  const log = logOf(simulation, process);
  const tools = { db: process.db, log, clock: () => simulation.time.ours() };
  return { sweeps, queue: simulation.queue, tools };
}

async function doJob(
  simulation: Simulation,
  process: Process,
  job: Job,
  work: () => Promise<JobOutcome>,
): Promise<void> {
  const outcome = await work().catch((error: unknown) => {
    simulation.expect(error, process.name, process);
    return null;
  });
  if (process.killed) simulation.queue.abandon(job);
  else simulation.queue.settle(job, outcome);
}

async function end(simulation: Simulation, company: Company, process: Process): Promise<void> {
  if (process.killed) simulation.noteCrash(company);
  await simulation.flush(process);
}

/** In this process; or by the real adapter, from a SCIM server that answers so; or none. */
async function open(
  simulation: Simulation,
  company: Company,
  view: FaultyView,
): Promise<Directory> {
  if (company.silence?.alone === true) return noDirectory();
  if (!company.scim) return new SimulatedDirectory(company, view, simulation.time);
  simulation.count('directory over SCIM');
  return openScimDirectory(company, view, simulation.time);
}

function logOf(simulation: Simulation, process: Process): Log {
  const { name } = process;
  const note = (line: Record<string, unknown>): void => {
    const { event, state, code, explanation, applied, skipped, waiting, planOnlyBecause, err } =
      line;
    if (event === 'sweep.finished') {
      simulation.count(`sweep ${code}`);
      const because = planOnlyBecause === null ? '' : `, only planned: ${planOnlyBecause}`;
      const why = explanation === null ? '' : `: ${explanation}`;
      simulation.tell(
        `  ${name}: ${state} ${code}, ${applied} applied, ${skipped} skipped, ${waiting} wait${because}${why}`,
      );
      return;
    }
    simulation.count(`log ${event}`);
    const more =
      event === 'sweep.tended' ? ` ${line.contained} contained, ${line.released} released` : '';
    simulation.tell(`  ${name}: ${event}${more}${err instanceof Error ? ` ${err.message}` : ''}`);
    if (OF_OURS.has(String(event))) simulation.expect(err, name, process);
  };
  return { info: note, warn: note, error: note, debug: () => undefined } as unknown as Log;
}

/** Lines of the log with an error that may be a fault of ours. */
const OF_OURS = new Set(['sweep.error', 'sweep.broken_off', 'sweep.tending_failed']);
