import type { Entry, Extent, HeatResult, Pace } from './entry.ts';
import { describeMachine } from './machine.ts';
import { describeRevision } from './revision.ts';
import { runHeat } from './rounds.ts';
import type { Report } from './section.ts';

/** Runs one entry from its opening to its report; what it opened is closed again, come what may. */
export async function runEntry(
  entry: Entry,
  pace: Pace,
  { sizes, extent }: { readonly sizes: readonly number[] | null; readonly extent: Extent },
  tell: (line: string) => void,
): Promise<Report> {
  const machine = describeMachine();
  const open = await entry.open(pace, sizes, (line) => tell(`${entry.name}: ${line}`), extent);
  try {
    const results: HeatResult[] = [];
    for (const heat of open.heats) {
      tell(`${entry.name}: ${heat.name}, ${heat.warmUps} + ${heat.rounds} rounds`);
      results.push(await runHeat(heat, () => undefined));
    }
    tell(`${entry.name}: observations`);
    const observations = await open.observe();
    const report: Report = {
      name: entry.name,
      compares: entry.compares,
      command: commandOf(entry, pace, sizes, extent),
      date: `${new Date().toISOString().slice(0, 16)}Z`,
      revision: await describeRevision(),
      machine,
      versions: open.versions,
      results,
      observations,
      conclusions: open.conclude(results),
      failed: open.brokenPromise?.() ?? false,
    };
    return report;
  } finally {
    await open.close();
  }
}

function commandOf(
  entry: Entry,
  pace: Pace,
  sizes: readonly number[] | null,
  { seeds, processes }: Extent,
): string {
  const quick = pace === 'quick' ? ' --quick' : '';
  const of = sizes === null ? '' : ` --sizes=${sizes.join(',')}`;
  const which = seeds === null ? '' : ` --seeds=${seeds.join('-')}`;
  const by = processes === null ? '' : ` --processes=${processes}`;
  return `npm run bench -- ${entry.name}${quick}${of}${which}${by}`;
}
