import { availableParallelism } from 'node:os';
import { describe, expect, inject, it } from 'vitest';
import { BREAKS } from '../campaign/breaks.ts';
import { hunt } from '../campaign/hunt.ts';
import { type RunReport, runInProcesses } from '../campaign/processes.ts';
import { Totals, tellFailure } from '../campaign/report.ts';
import { overServer } from '../campaign/server.ts';

const RUNS = 500;
const processes = availableParallelism();

const seeds = (count: number, first = 1) =>
  Array.from({ length: count }, (_, index) => String(first + index));

/** What has to have happened in so many runs, or they prove little: by its beginning, each name of each line. */
const REACHED: Readonly<Record<string, string>> = {
  fault:
    'error truncated no_last_page page_twice shifted cursor_repeats cursor_expires total_lies zero_rows slow scope_moves wrong_tenant partial_permission blind_look_ups no_look_ups stale falsely_disabled falsely_gone groups_missing groups_empty clock',
  trouble: 'kill sever pause',
  job: 'lost twice late again',
  meanwhile: 'life admin operator second_worker takeover',
  'operator undo:': 'done killed',
  'operator apply:': 'done',
  'operator accept_listing:': 'done',
  'audit user.suspected sweep': 'absent_once',
  'audit user.contained sweep': 'absent_unconfirmable',
  'audit user.deactivated sweep': 'absent absent_repeatedly disabled unassigned',
  'audit user.restored sweep': 'listed_again suspicion_cleared',
  'audit roles.changed sweep': 'groups_changed',
  'audit user.undone undo': 'was',
  held: 'absencePerRun half_of_connection',
  'only planned': 'first_sweep configuration_changed directory_changed undone',
  'sweep listing.': '',
};

it(`${RUNS} seeds of the fault campaign break no promise, and reach everything`, async () => {
  const server = overServer(inject('postgres').adminUrl, async () => undefined);
  const totals = new Totals();
  const failed: string[] = [];
  const onRun = (run: RunReport): undefined => {
    totals.add(run);
    if (run.violations.length === 0) return;
    failed.push(tellFailure(run, { withHistory: true, broken: null }));
  };
  try {
    await runInProcesses({ server, seeds: seeds(RUNS), processes, broken: null, onRun });
  } finally {
    await server.close();
  }
  expect(failed, failed.join('\n\n')).toEqual([]);
  expect(totals.runs).toBe(RUNS);
  const names = [...totals.counts.keys()];
  const missing = Object.entries(REACHED).flatMap(([head, tails]) =>
    tails
      .split(' ')
      .filter((tail) => !names.some((name) => name.startsWith(`${head} ${tail}`.trim()))),
  );
  expect(missing).toEqual([]);
});

describe('whatever is broken on purpose is found', () => {
  it.each(BREAKS.map((one) => [one.name, one] as const))('%s', async (name) => {
    const server = overServer(inject('postgres').adminUrl, async () => undefined);
    try {
      const found = await hunt(server, { name }, 400);
      expect(found.seed, `${name} was not found`).not.toBeNull();
    } finally {
      await server.close();
    }
  });
});
