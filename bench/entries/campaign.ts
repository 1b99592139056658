import { availableParallelism } from 'node:os';
import { type RunReport, runInProcesses } from '../../test/campaign/processes.ts';
import { sorted, Totals } from '../../test/campaign/report.ts';
import { type CampaignServer, openCampaignServer } from '../../test/campaign/server.ts';
import type { Entry, OpenEntry, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import type { Table } from '../frame/table.ts';

const RUNS: Readonly<Record<Pace, number>> = { full: 10_000, quick: 100 };

/** The fault campaign: no race, but a count of what went wrong and of what that did. */
export const campaign: Entry = {
  name: 'campaign',
  compares:
    'Seeded runs of the fault campaign (docs/fault-campaign.md): the real sweep on a real Postgres, whose directories, clocks, workers and operators fail, against an oracle that knows the truth and counts rows itself.',
  open,
};

async function open(pace: Pace): Promise<OpenEntry> {
  const server = await openCampaignServer();
  const totals = new Totals();
  return {
    heats: [],
    versions: { seeds: `1 to ${RUNS[pace]}` },
    observe: () => observe(server, totals, RUNS[pace]),
    conclude: () => conclude(totals),
    close: () => server.close(),
  };
}

async function observe(
  server: CampaignServer,
  totals: Totals,
  runs: number,
): Promise<readonly Table[]> {
  const seeds = Array.from({ length: runs }, (_, index) => String(index + 1));
  const onRun = (run: RunReport): undefined => {
    totals.add(run);
    if (totals.runs % 500 === 0)
      console.error(`campaign: ${totals.runs} runs, ${totals.failed} failed`);
  };
  await runInProcesses({ server, seeds, processes: availableParallelism(), broken: null, onRun });
  const of = (...kinds: readonly string[]) =>
    sorted(totals.counts).filter(([name]) => kinds.some((kind) => name.startsWith(`${kind} `)));
  const table = (
    title: string,
    about: string,
    rows: readonly (readonly [string, number])[],
  ): Table => ({
    title,
    about,
    head: ['what', 'times'],
    rows: rows.map(([name, count]) => [name, count.toLocaleString('en')]),
  });
  return [
    table(
      'What was wrong',
      'Sweeps with each fault, and what happened to processes and jobs.',
      of('fault', 'trouble', 'job', 'meanwhile'),
    ),
    table('What people did', '', of('life', 'act', 'operator')),
    table('How sweeps ended', '', of('sweep', 'only planned', 'held', 'plan')),
    table(
      'What became of lines',
      'Each line of each plan: decision, reason, outcome.',
      of('line', 'undo'),
    ),
    table(
      'What the oracle saw',
      'Rows of the audit by kind, actor and reason; each was held against the rows of the tables.',
      of('audit', 'approved', 'undone'),
    ),
    table(
      'What no outsider could have told from the truth',
      'Taken or given on false answers in which listing and look-ups agreed: held to the limits of the brake, and taken back by the healthy end.',
      sorted(totals.residues),
    ),
  ];
}

function conclude(totals: Totals): readonly string[] {
  const { runs, sweeps, failed, seconds, seeds } = totals;
  const verdict =
    failed === 0
      ? 'No run broke a promise: nobody was removed without evidence, no leaver was left after two healthy sweeps, no change lacked its audit, and every undo was exact.'
      : `${failed} runs broke a promise: seeds ${seeds.slice(0, 20).join(', ')}.`;
  return [
    `${runs.toLocaleString('en')} runs with ${sweeps.toLocaleString('en')} sweeps in ${figure(seconds)} s, ${figure(runs / seconds)} runs a second. ${verdict}`,
  ];
}
