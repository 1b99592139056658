import type { ContestantResult, Heat, HeatResult, Work } from './entry.ts';
import { collectGarbage } from './garbage.ts';
import { divideByRound, summarize } from './statistics.ts';

/**
 * Runs a heat: every contestant in every round, in an order that moves on, so
 * that none of them always follows the same neighbour.
 *
 * @param onRound told the number of each round that is over, warm-ups included.
 */
export async function runHeat(heat: Heat, onRound: (done: number) => void): Promise<HeatResult> {
  const samples = new Map<string, Timed[]>();
  for (let round = 0; round < heat.warmUps + heat.rounds; round++) {
    const prepared = await heat.prepareRound();
    const names = [...prepared.keys()];
    for (const name of names) if (!samples.has(name)) samples.set(name, []);
    for (const name of orderOf(names, round)) {
      const work = prepared.get(name) ?? [];
      collectGarbage();
      const timed = await timeWork(work, heat.inFlight);
      if (round >= heat.warmUps) samples.get(name)?.push(timed);
    }
    onRound(round + 1);
  }
  return resultOf(heat, samples);
}

/** The order of a round: it starts one further on each time, and runs backwards every second time. */
export function orderOf(names: readonly string[], round: number): readonly string[] {
  const start = names.length === 0 ? 0 : round % names.length;
  const turned = [...names.slice(start), ...names.slice(0, start)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** What one operation took, in milliseconds. */
export interface Timed {
  readonly ms: number;
  /** Of this process, on all its threads; other processes, such as Postgres, are not in it. */
  readonly cpuMs: number;
}

/** Times work, with `inFlight` operations under way at once. */
export async function timeWork(work: Work, inFlight: number): Promise<Timed> {
  if (work.length === 0) throw new RangeError('expected at least one operation, received none');
  const operations = work.values();
  const lane = async (): Promise<void> => {
    for (const operation of operations) await operation();
  };
  const [start, before] = [performance.now(), process.cpuUsage()];
  await Promise.all(Array.from({ length: inFlight }, lane));
  const [ms, { user, system }] = [performance.now() - start, process.cpuUsage(before)];
  return { ms: ms / work.length, cpuMs: (user + system) / US_PER_MS / work.length };
}

const US_PER_MS = 1000;

/** Puts the samples of a heat together, the peer first. Throws `RangeError` where the peer has not run. */
export function resultOf(heat: Heat, samples: ReadonlyMap<string, readonly Timed[]>): HeatResult {
  const { name, about, peer, ratio, inFlight } = heat;
  const ofPeer = samples.get(peer)?.map(({ ms }) => ms);
  if (ofPeer === undefined) throw new RangeError(`expected the peer ${peer} among the contestants`);
  const contestants = [...samples].map(([contestant, timed]): ContestantResult => {
    const msPerOperation = timed.map(({ ms }) => ms);
    const ratios =
      ratio === 'rate'
        ? divideByRound(ofPeer, msPerOperation)
        : divideByRound(msPerOperation, ofPeer);
    const ms = summarize(msPerOperation);
    const cpu = summarize(timed.map(({ cpuMs }) => cpuMs));
    return { name: contestant, msPerOperation, ms, cpu, ratio: summarize(ratios) };
  });
  contestants.sort((a, b) => Number(b.name === peer) - Number(a.name === peer));
  return { heat: { name, about, peer, ratio, inFlight }, contestants };
}
