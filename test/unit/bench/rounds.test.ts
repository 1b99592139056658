import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { Heat, Work } from '../../../bench/frame/entry.ts';
import { orderOf, resultOf, runHeat, timeWork } from '../../../bench/frame/rounds.ts';

const NAMES = ['a', 'b', 'c'];

function heatOf(changes: Partial<Heat> = {}): Heat {
  return {
    name: 'heat',
    about: '',
    peer: 'a',
    ratio: 'rate',
    rounds: 6,
    warmUps: 2,
    inFlight: 1,
    prepareRound: async () => new Map<string, Work>(NAMES.map((name) => [name, [() => undefined]])),
    ...changes,
  };
}

describe('the order of a round', () => {
  test('has everybody once, in each round', () => {
    for (let round = 0; round < 12; round++) {
      expect([...orderOf(NAMES, round)].sort()).toEqual(NAMES);
    }
  });

  test('gives everybody every place as often', () => {
    const rounds = Array.from({ length: 6 }, (_, round) => orderOf(NAMES, round));
    for (const name of NAMES) {
      expect(rounds.map((order) => order.indexOf(name)).sort()).toEqual([0, 0, 1, 1, 2, 2]);
    }
  });

  test('is empty where nobody runs', () => {
    expect(orderOf([], 5)).toEqual([]);
  });
});

describe('a heat', () => {
  test('prepares every round afresh, and counts no warm-up', async () => {
    const ran: string[] = [];
    let prepared = 0;
    const heat = heatOf({
      prepareRound: async () => {
        const round = prepared++;
        return new Map(NAMES.map((name) => [name, [() => void ran.push(`${round}${name}`)]]));
      },
    });
    const done: number[] = [];
    const { contestants } = await runHeat(heat, (round) => done.push(round));
    expect(prepared).toBe(8);
    expect(new Set(ran).size).toBe(24);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(contestants.map(({ name, ms }) => [name, ms.count])).toEqual([
      ['a', 6],
      ['b', 6],
      ['c', 6],
    ]);
  });

  test('fails with the operation that fails', async () => {
    const broken: Work = [() => Promise.reject(new Error('not admitted'))];
    const heat = heatOf({ prepareRound: async () => new Map([['a', broken]]) });
    await expect(runHeat(heat, () => undefined)).rejects.toThrow('not admitted');
  });

  test('holds rates and costs against the peer, round by round, and puts it first', () => {
    const timed = (...all: number[]) => all.map((ms) => ({ ms, cpuMs: ms * 3 }));
    const samples = new Map([
      ['b', timed(20, 40, 80)],
      ['a', timed(10, 20, 40)],
    ]);
    const rate = resultOf(heatOf(), samples).contestants;
    expect(rate.map(({ name, ratio }) => [name, ratio.median])).toEqual([
      ['a', 1],
      ['b', 0.5],
    ]);
    expect(rate.map(({ cpu }) => cpu.median)).toEqual([60, 120]);
    const cost = resultOf(heatOf({ ratio: 'cost' }), samples).contestants;
    expect(cost[1]?.ratio).toMatchObject({ median: 2, min: 2, max: 2 });
  });

  test('needs its peer', () => {
    expect(() => resultOf(heatOf({ peer: 'x' }), new Map([['a', [{ ms: 1, cpuMs: 1 }]]]))).toThrow(
      RangeError,
    );
  });
});

describe('timed work', () => {
  test('never has more under way than it may, and does all of it', async () => {
    let underWay = 0;
    let most = 0;
    let done = 0;
    const work: Work = Array.from({ length: 10 }, () => async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      done++;
    });
    await timeWork(work, 3);
    expect({ most, done }).toEqual({ most: 3, done: 10 });
  });

  test('counts what other threads of the process do', async () => {
    const spin = 'const end = performance.now() + 150; while (performance.now() < end);';
    const { ms, cpuMs } = await timeWork(
      [
        async () => {
          const worker = new Worker(spin, { eval: true });
          await once(worker, 'exit');
        },
      ],
      1,
    );
    expect(ms).toBeGreaterThan(140);
    expect(cpuMs).toBeGreaterThan(20);
  });

  test('refuses to time nothing', async () => {
    await expect(timeWork([], 1)).rejects.toThrow(RangeError);
  });
});
