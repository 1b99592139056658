import { toConnectionId } from '@rollcall/shared/core/ids';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { createLog } from '@rollcall/shared/telemetry/log';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import type { DirectoryPlace } from '@rollcall/sweeper/directories/place';
import { runSweepInTurn } from '@rollcall/sweeper/sweep/run-sweep';
import { sharedPace } from '@rollcall/sweeper/sweep/shared-pace';
import { noteRetryAfter, type Turn, takeTurn } from '@rollcall/sweeper/sweep/turn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type House, names, openHouse } from './house.ts';

const PLACE: DirectoryPlace = {
  key: 'https://idp.example',
  concurrency: 3,
  requestsPerSecond: null,
};

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

function turnOf(name: string, place: DirectoryPlace = PLACE): Promise<Turn> {
  return takeTurn(house.db, { connectionId: toConnectionId(name), place }, `worker of ${name}`);
}

async function release(...turns: readonly Turn[]): Promise<void> {
  for (const turn of turns) if (turn.kind === 'taken') await turn.lease.release();
}

const kinds = (turns: readonly Turn[]) => turns.map(({ kind }) => kind).sort();

describe('connections that ask one directory', () => {
  it('are swept so many at a time, whoever begins in the same moment', async () => {
    const turns = await Promise.all(names('c', 12).map((name) => turnOf(name)));
    expect(kinds(turns).filter((kind) => kind === 'taken')).toHaveLength(3);
    const waiting = turns.find((turn) => turn.kind === 'waits');
    expect(waiting).toMatchObject({ why: 'directory_busy', delayMs: expect.any(Number) });
    const elsewhere = await turnOf('d', { ...PLACE, key: 'https://other.example' });
    expect(elsewhere.kind).toBe('taken');
    await release(...turns);
    const next = await turnOf('late');
    expect(next.kind).toBe('taken');
    await release(next, elsewhere);
  });

  it('have the place of a worker that died, once its lease has run out', async () => {
    const turns = await Promise.all(names('c', 3).map((name) => turnOf(name)));
    expect((await turnOf('late')).kind).toBe('waits');
    const text =
      "update sweep_leases set expires_at = now() - interval '1 s' where connection_id = $1";
    await house.pool.query(text, ['c001']);
    const next = await turnOf('late');
    expect(next.kind).toBe('taken');
    await release(...turns, next);
  });

  it('are still one run at a time each', async () => {
    const first = await turnOf('c');
    expect((await turnOf('c')).kind).toBe('busy');
    await release(first);
  });

  it('wait together when it has asked one of them to wait, an hour at most', async () => {
    await noteRetryAfter(house.db, PLACE, 60_000);
    await noteRetryAfter(house.db, PLACE, 1_000);
    const turn = await turnOf('c');
    expect(turn).toMatchObject({ kind: 'waits', why: 'asked_to_wait' });
    if (turn.kind === 'waits') {
      expect(turn.delayMs).toBeGreaterThan(59_000);
      expect(turn.delayMs).toBeLessThan(71_000);
    }
    await noteRetryAfter(house.db, PLACE, 24 * 60 * 60_000);
    const text = "select not_before - now() <= interval '1 hour' as capped from directory_pace";
    expect((await house.pool.query(text)).rows).toEqual([{ capped: true }]);
    expect((await turnOf('d', { ...PLACE, key: 'https://other.example' })).kind).toBe('taken');
  });

  it('learn of it from the run that it refused', async () => {
    await house.hire(names('p', 3));
    house.directory.onPage = () => {
      throw new DirectoryError('rate_limited', 'too many requests', { retryAfterMs: 30_000 });
    };
    const sweep = house.sweepOf({ place: PLACE });
    const tools = { db: house.db, log: createLog('silent') };
    const refused = await runSweepInTurn(sweep, 'schedule', tools);
    expect(refused).toMatchObject({
      kind: 'finished',
      state: 'incomplete',
      code: 'directory.rate_limited',
      retryAfterMs: 30_000,
    });
    expect(await runSweepInTurn(sweep, 'schedule', tools)).toMatchObject({
      kind: 'waits',
      why: 'asked_to_wait',
    });
    expect((await turnOf('other')).kind).toBe('waits');
  });
});

describe('the pace of requests', () => {
  it('is kept by two processes together', async () => {
    const pools = [openPool(house.url), openPool(house.url)];
    try {
      const paces = pools.map((pool) =>
        sharedPace(overPool(pool), { ...PLACE, requestsPerSecond: 50 }),
      );
      const since = performance.now();
      const at: number[] = [];
      const signal = AbortSignal.timeout(10_000);
      const ask = async (pace: (typeof paces)[number]) => {
        for (let n = 0; n < 20; n++) {
          await pace?.(signal);
          at.push(performance.now() - since);
        }
      };
      await Promise.all([...paces, ...paces].map(ask));
      expect(at).toHaveLength(80);
      // 80 requests at 50 a second: the last one is sent 1.58 s after the first.
      expect(Math.max(...at)).toBeGreaterThan(1_500);
      expect(Math.max(...at)).toBeLessThan(4_000);
      const inHalf = at.filter((ms) => ms < 500).length;
      expect(inHalf).toBeLessThanOrEqual(27);
    } finally {
      for (const pool of pools) await pool.end();
    }
  });

  it('holds back nothing where none is set, and ends with the signal', async () => {
    expect(sharedPace(house.db, null)).toBeNull();
    const since = performance.now();
    const free = sharedPace(house.db, PLACE);
    for (let n = 0; n < 100; n++) await free?.(AbortSignal.timeout(5_000));
    expect(performance.now() - since).toBeLessThan(500);
    const slow = sharedPace(house.db, { ...PLACE, requestsPerSecond: 1 });
    await slow?.(AbortSignal.timeout(5_000));
    await expect(slow?.(AbortSignal.timeout(50))).rejects.toThrow();
  });
});
