import type { Entry, Heat, HeatResult, OpenEntry, Pace, Work } from '../frame/entry.ts';
import { watchEventLoop } from '../frame/event-loop.ts';
import { figure, percent } from '../frame/figures.ts';
import { profileCpu, sharesOf } from '../frame/profile.ts';
import { timeWork } from '../frame/rounds.ts';
import type { Table } from '../frame/table.ts';
import { type BareNodeSaml, bareNodeSaml } from '../sign-in/bare-node-saml.ts';
import { signInFully, verifyWithBoth, verifyWithFirst } from '../sign-in/ours.ts';
import { preparePosted } from '../sign-in/posted.ts';
import { processReplayMemory } from '../sign-in/process-replay-memory.ts';
import { versionsOf } from '../sign-in/versions.ts';
import { openSignInWorld, type SignInWorld } from '../sign-in/world.ts';

const BARE = 'bare node-saml, verification only';
const FIRST = 'first verifier alone';
const BOTH = 'both verifiers, replay memory in process';
const KNOWN = 'full sign-in, known person';
const NEW = 'full sign-in, new person';
const ONE_THREAD = 'the same, known person, all on the main thread';
const GOAL = 0.9;

/** A size of response, and how many make a round of a bearable length. */
interface Size {
  readonly groups: number;
  readonly perRound: number;
}

const SIZES: readonly Size[] = [
  { groups: 20, perRound: 24 },
  { groups: 500, perRound: 8 },
];
const LANES = [1, 8];

interface Bench {
  readonly world: SignInWorld;
  readonly bare: BareNodeSaml;
  newcomers: number;
}

/** What a sign-in costs, beside the least that any sign-in by SAML costs. */
export const signIn: Entry = {
  name: 'sign-in',
  compares:
    'The whole work of a sign-in (two verifiers, provisioning decision, one durable Postgres transaction with user, grants, audit and session) against bare node-saml, which verifies the same response with `validateInResponseTo: always` and a cache in memory, and stores nothing. As in the service, the second verifier works on threads of its own, one a core, so that several sign-ins at once use several cores where bare node-saml uses one: the CPU column says what that costs. A new response with ids of its own for every sign-in, signed outside the timed part. Postgres runs on the same cores.',
  open,
};

async function open(pace: Pace): Promise<OpenEntry> {
  const world = await openSignInWorld();
  try {
    const bench: Bench = { world, bare: bareNodeSaml(world), newcomers: 0 };
    const sizes: { size: Size; kilobytes: number }[] = [];
    for (const size of SIZES) {
      for (const subject of knownOf(size)) {
        await signInFully(world, await preparePosted(world, subject, size.groups), true)();
      }
      const { xml } = await preparePosted(world, 'of-any-name', size.groups);
      sizes.push({ size, kilobytes: Buffer.byteLength(xml) / 1000 });
    }
    return {
      heats: sizes.flatMap(({ size, kilobytes }) =>
        LANES.map((inFlight) => heatOf(bench, size, kilobytes, inFlight, pace)),
      ),
      versions: versionsOf(world),
      observe: () => observe(bench, pace),
      conclude,
      close: world.close,
    };
  } catch (error) {
    await world.close();
    throw error;
  }
}

function heatOf(bench: Bench, size: Size, kilobytes: number, inFlight: number, pace: Pace): Heat {
  const { groups, perRound } = size;
  return {
    name: `${groups} groups, ${inFlight === 1 ? 'one after another' : `${inFlight} at a time`}`,
    about: `A response of ${figure(kilobytes)} KB, assertion signed; ${perRound} of each contestant in a round.`,
    peer: BARE,
    ratio: 'rate',
    rounds: pace === 'full' ? 15 : 2,
    warmUps: pace === 'full' ? 3 : 1,
    inFlight,
    prepareRound: () => prepareRound(bench, size),
  };
}

/** One batch of responses for everybody whom the person does not matter to, one of newcomers. */
async function prepareRound(bench: Bench, size: Size): Promise<ReadonlyMap<string, Work>> {
  const { world, bare } = bench;
  const { groups, perRound } = size;
  const memory = processReplayMemory();
  const known = await preparePeople(bench, knownOf(size), groups);
  const again = await preparePeople(bench, knownOf(size), groups);
  const oneThread = { signIn: world.signInOnOneThread };
  const names = Array.from({ length: perRound }, () => `newcomer-${bench.newcomers++}`);
  const newcomers = await preparePeople(bench, names, groups);
  return new Map<string, Work>([
    [BARE, await Promise.all(known.map(bare.accept))],
    [FIRST, known.map((posted) => verifyWithFirst(world, posted))],
    [BOTH, await Promise.all(known.map((posted) => verifyWithBoth(world, posted, memory)))],
    [KNOWN, known.map((posted) => signInFully(world, posted, false))],
    [ONE_THREAD, again.map((posted) => signInFully(oneThread, posted, false))],
    [NEW, newcomers.map((posted) => signInFully(world, posted, true))],
  ]);
}

/** Those who have signed in before with just these groups, as many as one round takes. */
function knownOf({ groups, perRound }: Size): readonly string[] {
  return Array.from({ length: perRound }, (_, index) => `known-${groups}-${index}`);
}

async function preparePeople({ world }: Bench, subjects: readonly string[], groups: number) {
  return Promise.all(subjects.map((subject) => preparePosted(world, subject, groups)));
}

async function observe(bench: Bench, pace: Pace): Promise<readonly Table[]> {
  const batches = pace === 'full' ? 8 : 1;
  const tables: Table[] = [];
  for (const size of SIZES) {
    const { groups, perRound } = size;
    const work = await prepareKnown(bench, size, batches);
    const profile = await profileCpu(() => runAll(work, 1));
    tables.push({
      title: `Where the time goes at ${groups} groups`,
      about: `CPU profile of ${batches * perRound} full sign-ins of known persons, one after another: whose code was running, by wall time.`,
      head: ['code of', 'share'],
      rows: sharesOf(profile)
        .filter(([, share]) => share >= 0.01)
        .map(([owner, share]) => [owner, percent(share)]),
    });
  }
  return [...tables, await observeEventLoop(bench, batches)];
}

async function observeEventLoop(bench: Bench, batches: number): Promise<Table> {
  const rows: string[][] = [];
  for (const size of SIZES) {
    for (const inFlight of LANES) {
      const work = await prepareKnown(bench, size, batches);
      const { p50, p99, max } = await watchEventLoop(() => runAll(work, inFlight));
      rows.push([
        `${size.groups} groups, ${inFlight} at a time`,
        ...[p50, p99, max].map((ms) => figure(ms)),
      ]);
    }
  }
  return {
    title: 'How long others wait',
    about: 'Delay of the event loop while known persons sign in back to back, in milliseconds.',
    head: ['sign-ins', 'p50', 'p99', 'max'],
    rows,
  };
}

async function prepareKnown(bench: Bench, size: Size, batches: number): Promise<readonly Work[]> {
  const work: Work[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const posted = await preparePeople(bench, knownOf(size), size.groups);
    work.push(posted.map((one) => signInFully(bench.world, one, false)));
  }
  return work;
}

async function runAll(batches: readonly Work[], inFlight: number): Promise<void> {
  for (const work of batches) await timeWork(work, inFlight);
}

function conclude(results: readonly HeatResult[]): readonly string[] {
  return [
    `Goal: a full sign-in at ≥ ${percent(GOAL)} of bare node-saml's rate, in the same process.`,
    results.map(concludeHeat).join('\n'),
  ];
}

function concludeHeat({ heat, contestants }: HeatResult): string {
  const msOf = (name: string) => contestants.find((one) => one.name === name)?.ms.median ?? 0;
  const verdicts = contestants
    .filter(({ name }) => name === KNOWN || name === NEW)
    .map(({ name, ratio }) => {
      const met = ratio.median >= GOAL ? 'met' : 'missed';
      return `${name.replace('full sign-in, ', '')} ${percent(ratio.median)} (${met})`;
    });
  const [first, both, whole] = [msOf(FIRST), msOf(BOTH), msOf(ONE_THREAD)];
  const cpuOf = (name: string) => contestants.find((one) => one.name === name)?.cpu.median ?? 0;
  const cpu = ` CPU of the process: ${figure(cpuOf(KNOWN))} ms for a known person, ${figure(cpuOf(BARE))} ms for bare node-saml.`;
  const shares =
    heat.inFlight === 1
      ? ` Of the ${figure(whole)} ms that a known person takes on one thread, the first verifier takes ${percent(first / whole)}, the second one and the checks ${percent((both - first) / whole)}, decision and Postgres ${percent((whole - both) / whole)}.`
      : '';
  return `- **${heat.name}**: ${verdicts.join(', ')}.${shares}${cpu}`;
}
