import type { RunReport } from './processes.ts';

/** What many runs come to. */
export class Totals {
  runs = 0;
  failed = 0;
  sweeps = 0;
  readonly counts = new Map<string, number>();
  /** Seeds of runs that failed. */
  readonly seeds: string[] = [];
  /** How often each promise was broken. */
  readonly broken = new Map<string, number>();
  /** What was taken or given on false answers that nobody could have told from true ones. */
  readonly residues = new Map<string, number>();
  /** Milliseconds of work, of all processes together. */
  took = 0;
  readonly #begun = process.hrtime.bigint();

  add(run: RunReport): void {
    this.runs += 1;
    this.sweeps += run.sweeps;
    this.took += run.took;
    if (run.violations.length > 0) {
      this.failed += 1;
      this.seeds.push(run.seed);
    }
    for (const { promise } of run.violations) add(this.broken, promise, 1);
    for (const [name, count] of Object.entries(run.counts)) add(this.counts, name, count);
    for (const { kind, faults } of run.residues)
      add(this.residues, `${kind} by ${faults.join(' and ')}`, 1);
  }

  get seconds(): number {
    return Number(process.hrtime.bigint() - this.#begun) / 1e9;
  }
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}

/** Lines of counts, by name. */
export function sorted(
  counts: ReadonlyMap<string, number>,
): readonly (readonly [string, number])[] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The totals for people. */
export function tellTotals(totals: Totals): string {
  const { runs, failed, sweeps, seconds } = totals;
  const line = ([name, count]: readonly [string, number]) =>
    `${String(count).padStart(8)}  ${name}`;
  return [
    ...sorted(totals.counts).map(line),
    ...sorted(totals.residues).map(([name, count]) => line([`undetectable: ${name}`, count])),
    `${runs} runs, ${sweeps} sweeps, ${failed} failed, in ${seconds.toFixed(1)} s (${(runs / seconds).toFixed(1)} a second)`,
  ].join('\n');
}

/** A run that failed, with its story and the command that runs it again. */
export function tellFailure(
  run: Pick<RunReport, 'seed' | 'violations' | 'history'>,
  { withHistory, broken }: { readonly withHistory: boolean; readonly broken: string | null },
): string {
  return [
    ...(withHistory ? [`seed ${run.seed}:`, ...run.history] : []),
    ...run.violations.map(({ promise, what }) => `FAILED ${promise}: ${what}`),
    `again: npm run campaign -- ${run.seed}${broken === null ? '' : ` --broken ${broken}`}`,
  ].join('\n');
}
