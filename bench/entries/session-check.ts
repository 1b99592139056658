import { apply } from '@rollcall/shared/access/apply';
import { toUserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Entry, Heat, HeatResult, OpenEntry, Operation, Pace } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import type { Table } from '../frame/table.ts';
import { type Instance, openSessionWorld, type SessionWorld } from '../sessions/world.ts';

const BARE = 'the same page for everybody';
const POSTGRES = 'for signed-in people, cookies in Postgres';
const REDIS = 'for signed-in people, cookies in Redis';
const GOAL_MS = 1_000;
const PEOPLE = 50;
const PER_ROUND = 400;

/** What a session check costs, and how soon a revocation is felt. */
export const sessionCheck: Entry = {
  name: 'session-check',
  compares:
    'A page that only signed-in people may see (cookie, its store, the row with user, state, epochs and roles, one query) against the same page of the same Express without any session. Over HTTP on this machine, with Postgres and Redis on the same cores.',
  open,
};

async function open(pace: Pace): Promise<OpenEntry> {
  const world = await openSessionWorld();
  try {
    const cookies = {
      [POSTGRES]: await signInMany(world, world.postgres[0]),
      [REDIS]: await signInMany(world, world.redis[0]),
    };
    return {
      heats: [1, 16].map((inFlight) => heatOf(world, cookies, inFlight, pace)),
      versions: world.versions,
      observe: async () => [await observeRevocation(world, pace)],
      conclude,
      close: world.close,
    };
  } catch (error) {
    await world.close();
    throw error;
  }
}

type Cookies = Readonly<Record<typeof POSTGRES | typeof REDIS, readonly string[]>>;

async function signInMany(world: SessionWorld, instance: Instance): Promise<readonly string[]> {
  const cookies: string[] = [];
  for (let person = 0; person < PEOPLE; person++) {
    cookies.push(await instance.cookieFor((await world.signIn()).sessionId));
  }
  return cookies;
}

function heatOf(world: SessionWorld, cookies: Cookies, inFlight: number, pace: Pace): Heat {
  const lanes = inFlight === 1 ? 'one after another' : `${inFlight} at a time`;
  return {
    name: `Requests, ${lanes}`,
    about: `${PER_ROUND} requests of each contestant in a round, by ${PEOPLE} people in turn.`,
    peer: BARE,
    ratio: 'cost',
    rounds: pace === 'full' ? 15 : 2,
    warmUps: pace === 'full' ? 3 : 1,
    inFlight,
    prepareRound: async () =>
      new Map([
        [BARE, requests(world.bare, [''])],
        [POSTGRES, requests(world.postgres[0], cookies[POSTGRES])],
        [REDIS, requests(world.redis[0], cookies[REDIS])],
      ]),
  };
}

function requests(instance: Instance, cookies: readonly string[]): readonly Operation[] {
  return Array.from({ length: PER_ROUND }, (_, index) => async () => {
    const status = await instance.ask(cookies[index % cookies.length] ?? '');
    if (status !== 200) throw new Error(`expected 200, received ${status}`);
  });
}

/** From the call that revokes to the first refusal on the other instance, which is asked all the time. */
async function observeRevocation(world: SessionWorld, pace: Pace): Promise<Table> {
  const rounds = pace === 'full' ? 200 : 10;
  const rows: string[][] = [];
  for (const [store, [first, second]] of [
    ['Postgres', world.postgres],
    ['Redis', world.redis],
  ] as const) {
    const delays: number[] = [];
    for (let round = 0; round < rounds; round++) {
      delays.push(await timeToRefusal(world, first, second));
    }
    delays.sort((a, b) => a - b);
    const at = (share: number): string =>
      figure(delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? 0);
    rows.push([`cookies in ${store}`, at(0.5), at(0.99), at(1)]);
  }
  return {
    title: 'From revocation to refusal on another instance',
    about: `Milliseconds from asking for the end of a user's sessions (one durable transaction) to the first refusal by another instance, which is asked without a pause; ${rounds} times on each store. Goal: p99 at most ${GOAL_MS} ms.`,
    head: ['store', 'p50', 'p99', 'max'],
    rows,
  };
}

async function timeToRefusal(
  world: SessionWorld,
  first: Instance,
  second: Instance,
): Promise<number> {
  const { userId, sessionId } = await world.signIn();
  const cookie = await first.cookieFor(sessionId);
  if ((await second.ask(cookie)) !== 200) throw new Error('nobody was let in');
  const asked = performance.now();
  const change = {
    kind: 'end_sessions_of_user' as const,
    userId: toUserId(userId),
    reason: 'by_admin',
    evidence: {},
  };
  const actor = { kind: 'operator' as const, name: 'bench' };
  const revoked = inTransaction(world.db, (tx) => apply(tx, change, actor, currentTime()));
  for (;;) {
    const status = await second.ask(cookie);
    if (status === 401) break;
    if (status !== 200) throw new Error(`expected 200 or 401, received ${status}`);
  }
  const refused = performance.now() - asked;
  await revoked;
  return refused;
}

function conclude(results: readonly HeatResult[]): readonly string[] {
  const lines = results.map(({ heat, contestants }) => {
    const rates = contestants
      .filter(({ name }) => name !== BARE)
      .map(({ name, ms }) => `${name}: ${figure(1000 / ms.median)} a second`);
    return `- **${heat.name}**: ${rates.join('; ')}.`;
  });
  return [
    'No cache stands between a revocation and the next request: every request reads the row.',
    lines.join('\n'),
  ];
}
