import type { Entry, HeatResult, Pace } from './entry.ts';
import { describeMachine } from './machine.ts';
import { describeRevision } from './revision.ts';
import { runHeat } from './rounds.ts';
import type { Report } from './section.ts';

/** Runs one entry from its opening to its report; what it opened is closed again, come what may. */
export async function runEntry(
  entry: Entry,
  pace: Pace,
  sizes: readonly number[] | null,
  tell: (line: string) => void,
): Promise<Report> {
  const machine = describeMachine();
  const open = await entry.open(pace, sizes, (line) => tell(`${entry.name}: ${line}`));
  try {
    const results: HeatResult[] = [];
    for (const heat of open.heats) {
      tell(`${entry.name}: ${heat.name}, ${heat.warmUps} + ${heat.rounds} rounds`);
      results.push(await runHeat(heat, () => undefined));
    }
    tell(`${entry.name}: observations`);
    const observations = await open.observe();
    return {
      name: entry.name,
      compares: entry.compares,
      command: commandOf(entry, pace, sizes),
      date: `${new Date().toISOString().slice(0, 16)}Z`,
      revision: await describeRevision(),
      machine,
      versions: open.versions,
      results,
      observations,
      conclusions: open.conclude(results),
    };
  } finally {
    await open.close();
  }
}

function commandOf(entry: Entry, pace: Pace, sizes: readonly number[] | null): string {
  const quick = pace === 'quick' ? ' --quick' : '';
  const of = sizes === null ? '' : ` --sizes=${sizes.join(',')}`;
  return `npm run bench -- ${entry.name}${quick}${of}`;
}
