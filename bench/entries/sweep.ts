import type { Entry, OpenEntry, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import { divideByRound, summarize } from '../frame/statistics.ts';
import type { Table } from '../frame/table.ts';
import { forgetResults, keepResult } from '../sweep/kept-results.ts';
import { type Measured, measureSize, type SizeResult, SLOW_PAGE_MS } from '../sweep/measure.ts';
import { LEAVERS_ONE_IN } from '../sweep/people.ts';
import { PAGE_SIZE, WORKER_OPTIONS } from '../sweep/world.ts';

const GOAL_RATIO = 1.25;
const GOAL_MB = 256;
const GOAL_LINES_A_MINUTE = 1_000;
const GOAL_UNDO_S = 60;

/** What a sweep costs, beside listing the directory alone. */
export const sweep: Entry = {
  name: 'sweep',
  compares: `A whole sweep against *streaming*: the same adapter lists the same directory (receive, parse, check every row, see that no id comes twice) and does nothing with it. The directory is a SCIM server in a process of its own that sends pages of ${PAGE_SIZE} users, some 900 bytes each, from memory over loopback: faster than any real one, so that nothing hides behind waiting. Every person has five groups in some 300,000 combinations, three or four roles, one in five a session; they were put into the database by SQL, not by signing in. Each step runs in a fresh process, whose peak resident memory is told, its start included. Postgres, the directory and the worker share the cores.`,
  open,
};

async function open(
  pace: Pace,
  sizes: readonly number[] | null,
  tell: (line: string) => void,
): Promise<OpenEntry> {
  const wanted = sizes ?? (pace === 'full' ? [10_000, 100_000] : [2_000]);
  const results: SizeResult[] = [];
  for (const people of wanted) {
    results.push(await keepResult(`${pace}-${people}`, () => measureSize(people, pace, tell)));
  }
  return {
    heats: [],
    versions: { Postgres: results[0]?.postgres ?? 'unknown' },
    observe: async () => [
      timesOf(results),
      memoryOf(results),
      planOf(results),
      ...(results.length > 1 ? [growthOf(results)] : []),
    ],
    conclude: () => results.map(conclude),
    close: forgetResults,
  };
}

function medianMs(rounds: readonly Measured[]): number {
  return summarize(rounds.map(({ ms }) => ms)).median;
}

function ratioOf({ stream, steady }: SizeResult): number {
  const ms = (rounds: readonly Measured[]): readonly number[] => rounds.map((one) => one.ms);
  return summarize(divideByRound(ms(steady), ms(stream))).median;
}

function seconds(ms: number): string {
  return figure(ms / 1_000);
}

function times(ratio: number): string {
  return `${figure(ratio)} ×`;
}

function timesOf(results: readonly SizeResult[]): Table {
  const row = (name: string, of: (result: SizeResult) => string): readonly string[] => [
    name,
    ...results.map(of),
  ];
  return {
    title: 'Seconds, and the ratio to streaming',
    about: `Streaming and the quarter-hourly sweep in turn, ${results[0]?.steady.length ?? 0} times: medians, and the median of the ratios. In a quarter-hourly sweep nothing has changed; it writes down of its even share of people, 1 %, that the directory confirms them. The first sweep does that of everybody. Leavers are 1 in ${LEAVERS_ONE_IN}.`,
    head: ['people', ...results.map(({ people }) => people.toLocaleString('en-US'))],
    rows: [
      row('receive and parse pages, no more', ({ fetch }) => seconds(fetch.ms)),
      row('streaming', ({ stream }) => seconds(medianMs(stream))),
      row('quarter-hourly sweep', ({ steady }) => seconds(medianMs(steady))),
      row('… to streaming', (result) => times(ratioOf(result))),
      row('first sweep', ({ first }) => seconds(first.ms)),
      row('an hour after it, 5 % to confirm', ({ hourLater }) => seconds(hourLater.ms)),
      row(`${SLOW_PAGE_MS} ms a page: streaming`, ({ slow }) =>
        slow === null ? '' : seconds(slow.stream.ms),
      ),
      row(`${SLOW_PAGE_MS} ms a page: sweep to streaming`, ({ slow }) =>
        slow === null ? '' : times(slow.sweep.ms / slow.stream.ms),
      ),
      row('sweep that misses the leavers', ({ missing }) => seconds(missing.ms)),
      row('sweep that confirms and plans them', ({ confirmed }) => seconds(confirmed.ms)),
      row('applying the plan', ({ applied }) => seconds(applied.ms)),
      row('undoing it', ({ undone }) => seconds(undone.ms)),
    ],
  };
}

function memoryOf(results: readonly SizeResult[]): Table {
  const peak = (rounds: readonly Measured[]): string =>
    figure(Math.max(...rounds.map(({ peakBytes }) => peakBytes)) / 2 ** 20);
  const cpu = (rounds: readonly Measured[]): string =>
    figure(summarize(rounds.map(({ cpuMs }) => cpuMs)).median / 1_000);
  const steps: readonly (readonly [string, (result: SizeResult) => readonly Measured[]])[] = [
    ['receive and parse pages, no more', ({ fetch }) => [fetch]],
    ['streaming', ({ stream }) => stream],
    ['first sweep', ({ first }) => [first]],
    ['quarter-hourly sweep', ({ steady }) => steady],
    ['… without the option', ({ large }) => [large]],
    ['sweep that misses the leavers', ({ missing }) => [missing]],
    ['sweep that confirms and plans them', ({ confirmed }) => [confirmed]],
    ['applying the plan', ({ applied }) => [applied]],
    ['undoing it', ({ undone }) => [undone]],
  ];
  return {
    title: 'Memory and CPU of the worker process',
    about: `Peak resident memory in MB (of all rounds the highest), then CPU seconds, all threads together, the median. Goal: at most ${GOAL_MB} MB. Workers run with \`${WORKER_OPTIONS.join(' ')}\`, as docs/sweep.md advises; one sweep runs without, for comparison. The program runs from its TypeScript sources, and what strips the types of them is resident, too.`,
    head: [
      'people',
      ...results.flatMap(({ people }) => {
        const size = people.toLocaleString('en-US');
        return [`${size}: MB`, `${size}: CPU s`];
      }),
    ],
    rows: steps.map(([name, of]) => [
      name,
      ...results.flatMap((result) => [peak(of(result)), cpu(of(result))]),
    ]),
  };
}

function planOf(results: readonly SizeResult[]): Table {
  return {
    title: 'Lines of the plan',
    about: 'A line is a deactivation: state, sessions, audit, message and outcome together.',
    head: ['people', 'lines', 'applied a second', 'undone a second', 'exactly as before'],
    rows: results.map(({ people, applied, undone, undoneExactly }) => [
      people.toLocaleString('en-US'),
      `${Number(applied.result.applied)}`,
      figure(linesASecond(applied, 'applied')),
      figure(linesASecond(undone, 'undone')),
      undoneExactly ? 'yes' : 'NO',
    ]),
  };
}

function linesASecond({ ms, result }: Measured, which: 'applied' | 'undone'): number {
  return (Number(result[which]) / ms) * 1_000;
}

function growthOf(results: readonly SizeResult[]): Table {
  const pairs = results.slice(1).flatMap((larger, index) => {
    const smaller = results[index];
    return smaller === undefined ? [] : [{ smaller, larger }];
  });
  return {
    title: 'Growth',
    about: 'How many times as long each takes, where there are so many times the people.',
    head: ['times the people', 'streaming', 'quarter-hourly sweep', 'first sweep'],
    rows: pairs.map(({ smaller, larger }) => [
      times(larger.people / smaller.people),
      times(medianMs(larger.stream) / medianMs(smaller.stream)),
      times(medianMs(larger.steady) / medianMs(smaller.steady)),
      times(larger.first.ms / smaller.first.ms),
    ]),
  };
}

function conclude(result: SizeResult): string {
  const { people, first, steady, missing, confirmed, applied, undone } = result;
  const ratio = ratioOf(result);
  const peaks = [first, ...steady, missing, confirmed, applied, undone].map((one) => one.peakBytes);
  const peak = Math.max(...peaks) / 2 ** 20;
  const lines = linesASecond(applied, 'applied') * 60;
  const leavers = Number(undone.result.undone);
  const verdict = (met: boolean): string => (met ? 'met' : 'missed');
  return [
    `**${people.toLocaleString('en-US')} people**: a sweep takes ${figure(ratio)} × the time of streaming alone (goal ≤ ${GOAL_RATIO} ×: ${verdict(ratio <= GOAL_RATIO)})`,
    `peak memory ${figure(peak)} MB (goal ≤ ${GOAL_MB} MB: ${verdict(peak <= GOAL_MB)})`,
    `${figure(lines)} lines applied a minute (goal ≥ ${GOAL_LINES_A_MINUTE.toLocaleString('en-US')}: ${verdict(lines >= GOAL_LINES_A_MINUTE)})`,
    `undo of ${leavers.toLocaleString('en-US')} in ${seconds(undone.ms)} s (goal ≤ ${GOAL_UNDO_S} s for 10,000${leavers < 10_000 ? '' : `: ${verdict(undone.ms <= GOAL_UNDO_S * 1_000)}`}), ${result.undoneExactly ? 'every grant and state to the byte as before' : 'GRANTS OR STATES DIFFER'}.`,
  ].join('; ');
}
