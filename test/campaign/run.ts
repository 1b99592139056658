import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { CampaignDatabase } from './campaign-database.ts';
import { readCoverage } from './coverage.ts';
import { endHealthily } from './epilogue.ts';
import type { Residue, Violation } from './oracle/oracle.ts';
import { Random } from './random.ts';
import { type Step, scheduleOf, take } from './schedule.ts';
import { Simulation } from './simulation.ts';

/** How one run went. */
export interface RunResult {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly residues: readonly Residue[];
  /** How often each fault, act and decision occurred. */
  readonly counts: ReadonlyMap<string, number>;
  readonly sweeps: number;
  readonly history: readonly string[];
}

/** Runs one seed, the same every time. */
export async function runSeed(
  seed: string,
  database: CampaignDatabase,
  steps: readonly Step[] = scheduleOf(seed),
): Promise<RunResult> {
  await database.empty();
  const simulation = new Simulation(seed, database);
  const restore = drawFrom(seed, simulation);
  try {
    await simulation.begin();
    for (const company of simulation.world.companies) {
      simulation.time.pass(60_000);
      await simulation.sweep(company);
    }
    for (const step of steps) {
      if (simulation.violations.length > 0) break;
      await take(step, simulation);
    }
    if (simulation.violations.length === 0) await endHealthily(seed, simulation);
  } catch (error) {
    simulation.oracle.blame(
      'alive',
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  } finally {
    restore();
  }
  await readCoverage(database.harness, simulation);
  const { violations, oracle, counts, sweeps, history } = simulation;
  return { seed, violations, residues: oracle.residues, counts, sweeps, history };
}

/** Ids of runs decide which canary is asked for, and a step may be timed: both follow the seed. */
function drawFrom(seed: string, simulation: Simulation): () => void {
  const random = new Random(`${seed} uuids`);
  const { randomUUID } = crypto;
  const { now } = performance;
  const { random: chance } = Math;
  crypto.randomUUID = () => random.uuid() as ReturnType<typeof randomUUID>;
  performance.now = () => simulation.time.now;
  Math.random = () => random.next();
  syncBuiltinESMExports();
  return () => {
    crypto.randomUUID = randomUUID;
    performance.now = now;
    Math.random = chance;
    syncBuiltinESMExports();
  };
}
