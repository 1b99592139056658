import { type ArrivalsResult, runArrivals } from '../frame/arrivals.ts';
import type { Entry, OpenEntry, Operation, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import { collectGarbage } from '../frame/garbage.ts';
import type { Table } from '../frame/table.ts';
import { type BareNodeSaml, bareNodeSaml } from '../sign-in/bare-node-saml.ts';
import { signInFully } from '../sign-in/ours.ts';
import { preparePosted } from '../sign-in/posted.ts';
import { versionsOf } from '../sign-in/versions.ts';
import { openSignInWorld, type SignInWorld } from '../sign-in/world.ts';

const PEOPLE = 20;

interface Wave {
  readonly groups: number;
  readonly perSecond: number;
}

/** The last one is more than two cores can do, by any of them: it shows how they fail. */
const WAVES: readonly Wave[] = [
  { groups: 20, perSecond: 50 },
  { groups: 500, perSecond: 10 },
  { groups: 500, perSecond: 50 },
];

/** How long everybody else waits while people sign in. */
export const signInArrivals: Entry = {
  name: 'sign-in-arrivals',
  compares:
    'Known persons sign in at a fixed rate, whether those before them are done or not: the full sign-in as the service does it, the same with everything on the main thread, and bare node-saml that verifies the same responses in the same process and stores nothing. Measured: how late the event loop comes for everybody else, and how long a sign-in takes from the moment it is due. Postgres runs on the same cores.',
  open,
};

async function open(pace: Pace): Promise<OpenEntry> {
  const world = await openSignInWorld();
  try {
    for (const name of people()) {
      await signInFully(world, await preparePosted(world, name, 20), true)();
    }
    return {
      heats: [],
      versions: versionsOf(world),
      observe: () => observe(world, pace === 'full' ? 10 : 1),
      conclude: () => [
        'Goal: while 50 sign-ins a second arrive, the event loop is there for everybody else. The tables say how late it comes at the 99th percentile.',
      ],
      close: world.close,
    };
  } catch (error) {
    await world.close();
    throw error;
  }
}

async function observe(world: SignInWorld, seconds: number): Promise<readonly Table[]> {
  const bare = bareNodeSaml(world);
  const tables: Table[] = [];
  for (const wave of WAVES) {
    await runWave(world, bare, wave, 1);
    const results = await runWave(world, bare, wave, seconds);
    const rows = [...results].map(([name, { loop, p50, p99, failed }]) => {
      const figures = [loop.p50, loop.p99, loop.max, p50, p99].map((ms) => figure(ms));
      return [name, ...figures, `${failed}`];
    });
    tables.push({
      title: `${wave.perSecond} a second, ${wave.groups} groups`,
      about: `For ${seconds} seconds, after one to warm up; milliseconds. Turned away: answered with 503, to try again.`,
      head: [
        'contestant',
        'loop p50',
        'loop p99',
        'loop max',
        'sign-in p50',
        'sign-in p99',
        'turned away',
      ],
      rows,
    });
  }
  return tables;
}

async function runWave(
  world: SignInWorld,
  bare: BareNodeSaml,
  { groups, perSecond }: Wave,
  seconds: number,
): Promise<ReadonlyMap<string, ArrivalsResult>> {
  const oneThread = { signIn: world.signInOnOneThread };
  const contestants: readonly (readonly [string, Ask])[] = [
    ['bare node-saml, verification only', bare.accept],
    ['full sign-in', async (posted) => signInFully(world, posted, false)],
    ['full sign-in, all on the main thread', async (p) => signInFully(oneThread, p, false)],
  ];
  const results = new Map<string, ArrivalsResult>();
  for (const [name, ask] of contestants) {
    const operations: Operation[] = [];
    for (let index = 0; index < perSecond * seconds; index++) {
      const person = people()[index % PEOPLE] ?? '';
      operations.push(await ask(await preparePosted(world, person, groups)));
    }
    collectGarbage();
    results.set(name, await runArrivals(operations, perSecond));
  }
  return results;
}

type Ask = BareNodeSaml['accept'];

function people(): readonly string[] {
  return Array.from({ length: PEOPLE }, (_, index) => `person-${index}`);
}
