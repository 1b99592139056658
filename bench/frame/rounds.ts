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
  const samples = new Map<string, number[]>();
  for (let round = 0; round < heat.warmUps + heat.rounds; round++) {
    const prepared = await heat.prepareRound();
    const names = [...prepared.keys()];
    for (const name of names) if (!samples.has(name)) samples.set(name, []);
    for (const name of orderOf(names, round)) {
      const work = prepared.get(name) ?? [];
      collectGarbage();
      const ms = await timeWork(work, heat.inFlight);
      if (round >= heat.warmUps) samples.get(name)?.push(ms);
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

/** Milliseconds an operation, with `inFlight` of them under way at once. */
export async function timeWork(work: Work, inFlight: number): Promise<number> {
  if (work.length === 0) throw new RangeError('expected at least one operation, received none');
  const operations = work.values();
  const lane = async (): Promise<void> => {
    for (const operation of operations) await operation();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return (performance.now() - start) / work.length;
}

/** Puts the samples of a heat together, the peer first. Throws `RangeError` where the peer has not run. */
export function resultOf(heat: Heat, samples: ReadonlyMap<string, readonly number[]>): HeatResult {
  const { name, about, peer, ratio, inFlight } = heat;
  const ofPeer = samples.get(peer);
  if (ofPeer === undefined) throw new RangeError(`expected the peer ${peer} among the contestants`);
  const contestants = [...samples].map(([contestant, msPerOperation]): ContestantResult => {
    const ratios =
      ratio === 'rate'
        ? divideByRound(ofPeer, msPerOperation)
        : divideByRound(msPerOperation, ofPeer);
    const ms = summarize(msPerOperation);
    return { name: contestant, msPerOperation, ms, ratio: summarize(ratios) };
  });
  contestants.sort((a, b) => Number(b.name === peer) - Number(a.name === peer));
  return { heat: { name, about, peer, ratio, inFlight }, contestants };
}
