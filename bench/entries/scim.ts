import { createRequire } from 'node:module';
import type { Entry, OpenEntry, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import type { Table } from '../frame/table.ts';
import type { LoadResult } from '../scim/load.ts';
import { runSteps, type StepResult } from '../scim/run-steps.ts';
import { openScimWorld, type ScimWorld, type Sizes } from '../scim/world.ts';

const SCIMMY: Sizes = { people: 10_000, members: 5_000 };

/** What a client over SCIM waits for, beside the library that Node has for it. */
export const scim: Entry = {
  name: 'scim',
  compares:
    'The SCIM server over HTTP, with a million people in Postgres (durable, `synchronous_commit` on) and every request authenticated, audited and logged, beside scimmy and its Express routers over 10,000 people in memory, which keep nothing. Servers, Postgres and the client are processes of their own on the same cores: the client asks as fast as it is answered, so at 8 and 32 at a time the times are those of a machine that has nothing left. People and groups were put into Postgres by SQL; nothing of that is measured.',
  open,
};

async function open(
  pace: Pace,
  sizes: readonly number[] | null,
  tell: (line: string) => void,
): Promise<OpenEntry> {
  const people = sizes?.[0] ?? (pace === 'full' ? 1_000_000 : 20_000);
  const ours = { people, members: people / 20 };
  const scimmy = pace === 'full' ? SCIMMY : { people: 1_000, members: 500 };
  const world = await openScimWorld(ours, scimmy, tell);
  let results: readonly StepResult[] = [];
  try {
    results = await runSteps(world, pace, tell);
  } catch (error) {
    await world.close();
    throw error;
  }
  return {
    heats: [],
    versions: { Postgres: world.postgres, ...peerVersions() },
    observe: async () => [timesOf(results, world), coresOf(results)],
    conclude: () => conclude(results, world),
    close: world.close,
  };
}

/** The manifest pins them exactly. */
function peerVersions(): Record<string, string> {
  const manifest: { devDependencies: Record<string, string> } = createRequire(import.meta.url)(
    '../package.json',
  );
  const { scimmy = '', 'scimmy-routers': routers = '' } = manifest.devDependencies;
  return { scimmy, 'scimmy-routers': routers };
}

function timesOf(results: readonly StepResult[], { ours, scimmy }: ScimWorld): Table {
  const size = ({ people, members }: Sizes): string =>
    `${people.toLocaleString('en-US')} people and a group of ${members.toLocaleString('en-US')}`;
  return {
    title: 'Times and rates',
    about: `Milliseconds from sending to the last byte, and requests a second. Rollcall with ${size(ours)}, scimmy with ${size(scimmy)}; pages have 100 people. The ratio is how many times as many a second Rollcall answers.`,
    head: [
      'request',
      'at once',
      'p50',
      'p99',
      'a second',
      'scimmy p50',
      'scimmy p99',
      'a second',
      'ratio',
    ],
    rows: results.map(({ step, lanes, ours: mine, scimmy: theirs }) => [
      step.name,
      `${lanes}`,
      ...cells(mine),
      ...cells(theirs),
      typeof mine === 'string' || typeof theirs === 'string'
        ? '—'
        : `${figure(mine.perSecond / theirs.perSecond)} ×`,
    ]),
  };
}

function cells(result: LoadResult | string): readonly string[] {
  if (typeof result === 'string') return [result, '—', '—'];
  return [figure(result.p50), figure(result.p99), figure(result.perSecond)];
}

function coresOf(results: readonly StepResult[]): Table {
  const shown = results.flatMap(({ step, lanes, ours }) =>
    typeof ours === 'string' ? [] : [{ name: step.name, lanes, cpu: ours.cpu }],
  );
  return {
    title: 'Who has the cores',
    about:
      'Milliseconds of one core that a request to Rollcall costs. With all of them busy, the cores divided by the sum is the most that this machine answers a second, the client included.',
    head: ['request', 'at once', 'server', 'Postgres', 'client'],
    rows: shown.map(({ name, lanes, cpu }) => [
      name,
      `${lanes}`,
      figure(cpu.server),
      cpu.postgres === null ? 'not known' : figure(cpu.postgres),
      figure(cpu.client),
    ]),
  };
}

function conclude(
  results: readonly StepResult[],
  { ours, seedSeconds }: ScimWorld,
): readonly string[] {
  const failed = results.filter((one) => typeof one.ours === 'string');
  return [
    verdictOf('Equality, p99', 10, results),
    verdictOf('Any page, p99', 20, results),
    rateVerdict(results),
    ...(failed.length > 0
      ? [
          `**Failed**: ${failed.map(({ step, ours: why }) => `${step.name} (${String(why)})`).join('; ')}.`,
        ]
      : []),
    `${ours.people.toLocaleString('en-US')} people were put into Postgres in ${figure(seedSeconds)} s.`,
  ];
}

function verdictOf(what: string, goalMs: number, results: readonly StepResult[]): string {
  const held = results.filter(
    ({ step, ours }) => step.goalMs === goalMs && typeof ours !== 'string',
  );
  const [worst] = held
    .map(({ step, ours }) => ({ name: step.name, p99: (ours as LoadResult).p99 }))
    .sort((a, b) => b.p99 - a.p99);
  if (worst === undefined) return `**${what} ≤ ${goalMs} ms**: not measured.`;
  const verdict = worst.p99 <= goalMs ? 'met' : 'missed';
  return `**${what} ≤ ${goalMs} ms**: ${verdict}, the slowest is ${worst.name} with ${figure(worst.p99)} ms.`;
}

function rateVerdict(results: readonly StepResult[]): string {
  const rates = results.flatMap(({ step, lanes, ours }) =>
    step.goalPerSecond === null || typeof ours === 'string'
      ? []
      : [{ goal: step.goalPerSecond, lanes, rate: ours.perSecond }],
  );
  const [best] = rates.toSorted((a, b) => b.rate - a.rate);
  if (best === undefined) return '**Creates**: not measured.';
  const all = rates.map(({ lanes, rate }) => `${figure(rate)} with ${lanes} at a time`).join(', ');
  return `**Creates ≥ ${best.goal} a second**: ${best.rate >= best.goal ? 'met' : 'missed'}; ${all}.`;
}
