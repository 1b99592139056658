import { availableParallelism } from 'node:os';
import { BREAKS } from '../../test/campaign/breaks.ts';
import { huntAll } from '../../test/campaign/hunt.ts';
import { Journal } from '../../test/campaign/journal.ts';
import { type RunReport, runInProcesses } from '../../test/campaign/processes.ts';
import { Totals } from '../../test/campaign/report.ts';
import { type CampaignServer, openCampaignServer } from '../../test/campaign/server.ts';
import { journalFile } from '../campaign/journal-file.ts';
import { Progress } from '../campaign/progress.ts';
import { tablesOf } from '../campaign/tables.ts';
import type { Entry, Extent, OpenEntry, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';

const RUNS: Readonly<Record<Pace, number>> = { full: 10_000, quick: 100 };
/** In so many seeds whatever is broken on purpose is found, or not at all. */
const HUNTED: Readonly<Record<Pace, number>> = { full: 400, quick: 60 };

/** The fault campaign: no race, but a count of what went wrong and of what that did. */
export const campaign: Entry = {
  name: 'campaign',
  compares:
    'Seeded runs of the fault campaign (docs/fault-campaign.md): the real sweep on a real Postgres, whose directories, clocks, workers and operators fail, against an oracle that knows the truth and counts rows itself.',
  open,
};

async function open(
  pace: Pace,
  _sizes: readonly number[] | null,
  tell: (line: string) => void,
  extent: Extent,
): Promise<OpenEntry> {
  const server = await openCampaignServer();
  const [first, last] = extent.seeds ?? [1, RUNS[pace]];
  const processes = extent.processes ?? availableParallelism();
  const journal = await Journal.open(await journalFile());
  const course = { server, journal, first, last, processes, most: HUNTED[pace], tell };
  return {
    heats: [],
    versions: { seeds: `${first} to ${last}`, processes: String(processes) },
    observe: async () => {
      await runAll(course);
      await findBreaks(course);
      return tablesOf(totalsOf(course), journal.found);
    },
    conclude: () => conclude(course),
    brokenPromise: () => isBroken(course),
    close: () => server.close(),
  };
}

interface Course {
  readonly server: CampaignServer;
  readonly journal: Journal;
  readonly first: number;
  readonly last: number;
  readonly processes: number;
  /** In how many seeds what is broken on purpose is looked for. */
  readonly most: number;
  tell(line: string): void;
}

function seedsOf({ first, last }: Course): readonly string[] {
  return Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
}

/** Runs every seed that the journal does not have. */
async function runAll({ server, journal, processes, tell, ...range }: Course): Promise<void> {
  const all = seedsOf({ server, journal, processes, tell, ...range });
  const seeds = all.filter((seed) => !journal.runs.has(seed));
  if (seeds.length < all.length) tell(`${all.length - seeds.length} runs were made before`);
  if (seeds.length === 0) return;
  const progress = new Progress(seeds.length, tell);
  const writing: Promise<void>[] = [];
  const onRun = (run: RunReport): undefined => {
    writing.push(journal.add({ run }));
    progress.add(run);
  };
  await runInProcesses({ server, seeds, processes, broken: null, onRun });
  await Promise.all(writing);
}

async function findBreaks({ server, journal, processes, most, tell }: Course): Promise<void> {
  const breaks = BREAKS.filter(({ name }) => !journal.found.has(name));
  await huntAll(server, {
    breaks,
    processes,
    most,
    onFound: async (found) => {
      await journal.add({ found });
      tell(`${found.name} was found ${found.seed === null ? 'nowhere' : `at seed ${found.seed}`}`);
    },
  });
}

function totalsOf(course: Course): Totals {
  const totals = new Totals();
  for (const seed of seedsOf(course)) {
    const run = course.journal.runs.get(seed);
    if (run !== undefined) totals.add(run);
  }
  return totals;
}

function isBroken(course: Course): boolean {
  return totalsOf(course).failed > 0 || [...course.journal.found.values()].some(isMissed);
}

function isMissed({ seed }: { readonly seed: string | null }): boolean {
  return seed === null;
}

function conclude(course: Course): readonly string[] {
  const totals = totalsOf(course);
  const { runs, sweeps, failed, seeds, took } = totals;
  const missed = [...course.journal.found.values()].filter(isMissed);
  const verdict =
    failed === 0
      ? 'No run broke a promise: nobody was removed without evidence, no leaver was left after two healthy sweeps, no change lacked its audit, and every undo was exact.'
      : `${failed} runs BROKE A PROMISE: seeds ${seeds.slice(0, 20).join(', ')}.`;
  const bite =
    missed.length === 0
      ? `All ${course.journal.found.size} deliberate breaks were caught.`
      : `NOT CAUGHT: ${missed.map(({ name }) => name).join(', ')}.`;
  const seconds = took / 1000;
  return [
    `${runs.toLocaleString('en')} runs with ${sweeps.toLocaleString('en')} sweeps, ${figure(seconds / 3600)} hours of work in ${course.processes} processes. ${verdict} ${bite}`,
  ];
}
