import type { Pace } from '../frame/entry.ts';
import type { Done } from './worker.ts';
import { openSweepWorld, type SweepWorld } from './world.ts';

/** One step, as it is kept between runs. */
export type Measured = Done;

/** All that is measured with one number of people. */
export interface SizeResult {
  readonly people: number;
  readonly postgres: string;
  /** Receive and parse every page, no more. */
  readonly fetch: Measured;
  /** The directory's own listing alone, before each sweep of `steady`. */
  readonly stream: readonly Measured[];
  readonly first: Measured;
  readonly hourLater: Measured;
  /** Quarter-hourly sweeps in which nothing has changed. */
  readonly steady: readonly Measured[];
  /** One of them in a process without the options that keep it small. */
  readonly large: Measured;
  /** The same against a directory that takes its time; null where that would take too long. */
  readonly slow: { readonly stream: Measured; readonly sweep: Measured } | null;
  /** The sweep that sees one in a hundred missing. */
  readonly missing: Measured;
  /** The sweep that confirms their absence and plans what follows. */
  readonly confirmed: Measured;
  readonly applied: Measured;
  readonly undone: Measured;
  /** Whether every grant and state is to the byte what it was before the plan was applied. */
  readonly undoneExactly: boolean;
}

/** How long the slow directory takes for a page, in milliseconds. */
export const SLOW_PAGE_MS = 100;
const SLOW_AT_MOST = 100_000;

/** Opens a world with so many people and takes it through everything, one step after another. */
export async function measureSize(
  people: number,
  pace: Pace,
  tell: (line: string) => void,
): Promise<SizeResult> {
  tell(`${people} people: filling the database`);
  const world = await openSweepWorld(people);
  try {
    const run = async (...[step]: Parameters<SweepWorld['run']>): Promise<Measured> => {
      const done = await world.run(step);
      requireWhole(step.step, done, people);
      const megabytes = Math.round(done.peakBytes / 2 ** 20);
      tell(`${people} people: ${step.step} ${Math.round(done.ms)} ms, ${megabytes} MB`);
      return done;
    };
    const fetched = await run({ step: 'fetch', minutes: 0 });
    const first = await run({ step: 'sweep', minutes: 0 });
    const hourLater = await run({ step: 'sweep', minutes: 75 });
    const stream: Measured[] = [];
    const steady: Measured[] = [];
    for (let round = 1; round <= (pace === 'full' ? 5 : 1); round++) {
      stream.push(await run({ step: 'stream', minutes: 0 }));
      steady.push(await run({ step: 'sweep', minutes: 75 + round * 15 }));
    }
    const large = await run({ step: 'sweep', minutes: 160, leanly: false });
    const slow = people > SLOW_AT_MOST ? null : await measureSlow(world, run);
    await world.tellDirectory({ leave: true });
    const missing = await run({ step: 'sweep', minutes: 180 });
    const confirmed = await run({ step: 'sweep', minutes: 187 });
    const before = await world.accessDigest();
    const plan = planOf(confirmed);
    const applied = await run({ step: 'apply', minutes: 188, plan });
    const undone = await run({ step: 'undo', minutes: 189, plan });
    const undoneExactly = (await world.accessDigest()) === before;
    const { postgres } = world;
    const swept = { first, hourLater, stream, steady, large, slow, missing, confirmed };
    return { people, postgres, fetch: fetched, ...swept, applied, undone, undoneExactly };
  } finally {
    await world.close();
  }
}

type Run = SweepWorld['run'];

async function measureSlow(world: SweepWorld, run: Run): Promise<SizeResult['slow']> {
  await world.tellDirectory({ pageDelayMs: SLOW_PAGE_MS });
  const stream = await run({ step: 'stream', minutes: 0 });
  const sweep = await run({ step: 'sweep', minutes: 175 });
  await world.tellDirectory({ pageDelayMs: 0 });
  return { stream, sweep };
}

/** A step that did not do its work must not look fast. */
function requireWhole(step: string, { result }: Done, people: number): void {
  const { rows, state, code } = result;
  const whole =
    step === 'sweep'
      ? state === 'applied' || state === 'planned'
      : rows === undefined || rows === people;
  if (whole) return;
  throw new Error(`the step ${step} did not do what it was to do: ${state} ${code} ${rows}`);
}

function planOf({ result }: Measured): string {
  const plan = result.waitingPlan;
  if (typeof plan === 'object' && plan !== null && 'digest' in plan) return String(plan.digest);
  throw new Error('expected a plan that waits, received none');
}
