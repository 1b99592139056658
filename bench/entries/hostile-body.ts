import type { Entry, Heat, HeatResult, OpenEntry, Pace, Work } from '../frame/entry.ts';
import { figure } from '../frame/figures.ts';
import type { Table } from '../frame/table.ts';
import { type BareNodeSaml, bareNodeSaml } from '../sign-in/bare-node-saml.ts';
import { HOSTILE_BODIES, type HostileBody } from '../sign-in/hostile-bodies.ts';
import { answerOf, signInFully } from '../sign-in/ours.ts';
import { type Posted, preparePosted } from '../sign-in/posted.ts';
import { versionsOf } from '../sign-in/versions.ts';
import { openSignInWorld, type SignInWorld } from '../sign-in/world.ts';

const GOOD = 'one good sign-in, 20 groups';
const GOOD_BARE = 'bare node-saml: good response, 20 groups';
const GROUPS = 20;
const OURS_HEAT = 'Posted to us';
const SUBJECT = 'mallory';

interface Bench {
  readonly world: SignInWorld;
  readonly bare: BareNodeSaml;
}

/** What a body costs that is made to cost much. */
export const hostileBody: Entry = {
  name: 'hostile-body',
  compares:
    'A hostile body against one good full sign-in of ours at 20 groups, posted to us and to bare node-saml. Whoever posts it has a request that waits, so that no check before the XML gets rid of it. Reading the form from the connection is not part of it on either side.',
  open,
};

async function open(pace: Pace): Promise<OpenEntry> {
  const world = await openSignInWorld();
  try {
    const bench: Bench = { world, bare: bareNodeSaml(world) };
    await signInFully(world, await preparePosted(world, SUBJECT, GROUPS), true)();
    const fast = HOSTILE_BODIES.filter(({ slow }) => !slow);
    const slow = HOSTILE_BODIES.filter((body) => body.slow);
    const full = pace === 'full';
    return {
      heats: [
        heatOf(OURS_HEAT, full ? 15 : 2, 2, () => postToUs(bench, 10)),
        heatOf('Posted to bare node-saml', full ? 15 : 2, 2, () => postToBare(bench, fast, 5, 5)),
        heatOf('Posted to bare node-saml: the slow ones', full ? 5 : 1, 0, () =>
          postToBare(bench, slow, 1, 5),
        ),
      ],
      versions: versionsOf(world),
      observe: async () => [await observeAnswers(bench)],
      conclude,
      close: world.close,
    };
  } catch (error) {
    await world.close();
    throw error;
  }
}

function heatOf(
  name: string,
  rounds: number,
  warmUps: number,
  prepareRound: Heat['prepareRound'],
): Heat {
  const about = 'Cost of one body; the ratio is how many good sign-ins it is worth.';
  return { name, about, peer: GOOD, ratio: 'cost', rounds, warmUps, inFlight: 1, prepareRound };
}

async function postToUs({ world }: Bench, count: number): Promise<ReadonlyMap<string, Work>> {
  const work = new Map<string, Work>([[GOOD, await goodSignIns(world, count)]]);
  for (const body of HOSTILE_BODIES) {
    const posted = await times(count, () => prepareHostile(world, body));
    work.set(
      body.name,
      posted.map((one) => async () => void (await answerOf(world, one))),
    );
  }
  return work;
}

async function postToBare(
  { world, bare }: Bench,
  bodies: readonly HostileBody[],
  count: number,
  goodCount: number,
): Promise<ReadonlyMap<string, Work>> {
  const good = await times(goodCount, () => preparePosted(world, SUBJECT, GROUPS));
  const work = new Map<string, Work>([
    [GOOD, await goodSignIns(world, goodCount)],
    [GOOD_BARE, await Promise.all(good.map(bare.accept))],
  ]);
  for (const body of bodies) {
    const ask = await times(count, async () => bare.expect(await prepareHostile(world, body)));
    work.set(
      body.name,
      ask.map((one) => async () => void (await one())),
    );
  }
  return work;
}

async function goodSignIns(world: SignInWorld, count: number): Promise<Work> {
  return times(count, async () =>
    signInFully(world, await preparePosted(world, SUBJECT, GROUPS), false),
  );
}

async function prepareHostile(world: SignInWorld, body: HostileBody): Promise<Posted> {
  return body.make(await preparePosted(world, SUBJECT, GROUPS));
}

function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, make));
}

async function observeAnswers({ world, bare }: Bench): Promise<Table> {
  const rows: string[][] = [];
  for (const body of HOSTILE_BODIES) {
    const ours = await prepareHostile(world, body);
    const theirs = await bare.expect(await prepareHostile(world, body));
    const kilobytes = figure(ours.form.SAMLResponse.length / 1000);
    rows.push([body.name, kilobytes, await answerOf(world, ours), await theirs()]);
  }
  return {
    title: 'What became of them',
    about: 'The size is that of the posted base64.',
    head: ['body', 'KB', 'ours', 'bare node-saml'],
    rows,
  };
}

function conclude(results: readonly HeatResult[]): readonly string[] {
  const ours = results.find(({ heat }) => heat.name === OURS_HEAT);
  const [dearest] = (ours?.contestants ?? [])
    .filter(({ name }) => name !== GOOD)
    .sort((a, b) => b.ratio.median - a.ratio.median);
  const slowest = results
    .flatMap(({ heat, contestants }) => (heat.name === OURS_HEAT ? [] : contestants))
    .reduce((a, b) => (b.ms.median > a.ms.median ? b : a));
  if (dearest === undefined) return [];
  const met = dearest.ratio.median <= 1 ? 'met' : 'missed';
  return [
    `Goal: no hostile body is dearer than one good sign-in. **${met}**: the dearest (${dearest.name}) costs ${figure(dearest.ratio.median)} of one.`,
    `Bare node-saml is held up longest by "${slowest.name}": ${figure(slowest.ms.median)} ms, ${figure(slowest.ratio.median)} good sign-ins of ours.`,
  ];
}
