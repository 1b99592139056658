import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@rollcall/shared/telemetry/log';
import { leaseHolder, takeLease } from '@rollcall/sweeper/sweep/lease';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untilWaitingIn } from '../access/pending.ts';
import { ACME } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

async function expireLease(): Promise<void> {
  await house.pool.query("update sweep_leases set expires_at = now() - interval '1 second'");
}

describe('the lease', () => {
  it('has one holder at a time, and passes on when it is given back', async () => {
    const contenders = await Promise.all(
      names('w', 8).map((holder) => takeLease(house.db, ACME, holder)),
    );
    const [held, ...none] = contenders.filter((lease) => lease !== null);
    expect(none).toEqual([]);
    expect(await takeLease(house.db, ACME, 'late')).toBeNull();
    await held!.release();
    const next = await takeLease(house.db, ACME, 'next');
    expect(Number(next?.fence)).toBe(Number(held!.fence) + 1);
    await held!.release();
    expect(await leaseHolder(house.db, ACME)).toBe('next');
    await next!.release();
    expect(await leaseHolder(house.db, ACME)).toBeNull();
  });

  it('is renewed while its holder lives', async () => {
    const lease = await takeLease(house.db, ACME, 'one', 300);
    await sleep(900);
    expect(await takeLease(house.db, ACME, 'two', 300)).toBeNull();
    await lease!.release();
  });

  it('lets a holder who was paused write nothing', async () => {
    const paused = await takeLease(house.db, ACME, 'paused');
    await expireLease();
    const next = await takeLease(house.db, ACME, 'next');
    await expect(paused!.write(async () => 'written')).rejects.toMatchObject({
      code: 'sweep.lease_lost',
    });
    expect(await next!.write(async () => 'written')).toBe('written');
    await paused!.release();
    await next!.release();
  });

  it('is not taken over while its holder commits', async () => {
    const slow = await takeLease(house.db, ACME, 'slow');
    await expireLease();
    const order: string[] = [];
    let taking: Promise<unknown> = Promise.resolve();
    await slow!.write(async () => {
      taking = takeLease(house.db, ACME, 'next').then((lease) => {
        order.push('taken');
        return lease!.release();
      });
      await sleep(300);
      order.push('written');
    });
    await taking;
    expect(order).toEqual(['written', 'taken']);
    await slow!.release();
  });
});

describe('a run that writes side by side', () => {
  it('does not keep its own lease from being renewed', async () => {
    const lease = await takeLease(house.db, ACME, 'busy', 300);
    const end = performance.now() + 900;
    const lane = async (): Promise<void> => {
      while (performance.now() < end) await lease!.write(() => sleep(100));
    };
    const lanes = Promise.all([lane(), sleep(50).then(lane)]);
    let missing = 0;
    while (performance.now() < end) {
      if ((await leaseHolder(house.db, ACME)) === null) missing += 1;
      await sleep(20);
    }
    await lanes;
    expect(missing).toBe(0);
    await lease!.release();
  });

  it('ends when everything has ended, also where its plan fails', async () => {
    await house.hire(names('p', 10));
    await house.sweep(1);
    await house.pool.query(`create function fail() returns trigger language plpgsql as
      $$ begin raise 'no plan today'; end $$`);
    await house.pool.query(
      'create trigger fail before insert on plans for each row execute function fail()',
    );
    const client = await house.pool.connect();
    await client.query('begin');
    await client.query('select from snapshot_members for update');
    const order: string[] = [];
    const sweeping = house.sweep(10).finally(() => order.push('ended'));
    await untilWaitingIn(() => house)(1);
    await sleep(100);
    order.push('let go');
    await client.query('rollback');
    client.release();
    expect(await sweeping).toMatchObject({ state: 'failed', code: 'internal' });
    expect(order).toEqual(['let go', 'ended']);
    const { rows } = await house.pool.query('select 1 from snapshot_members');
    expect(rows).toEqual([]);
  });
});

describe('two workers', () => {
  it('make one sweep of one connection', async () => {
    await house.hire(names('p', 10));
    house.directory.pageDelayMs = 50;
    const results = await Promise.all([
      house.tryToSweep(1),
      house.tryToSweep(1),
      house.tryToSweep(1),
    ]);
    expect(results.map((result) => result.kind).sort()).toEqual(['busy', 'busy', 'finished']);
    expect(house.directory.listings).toBe(1);
  });

  it('one that was paused in its listing writes nothing when it wakes up', async () => {
    await house.hire(names('p', 10));
    await house.sweep(1);
    house.directory.set('p001', { standing: 'disabled' });
    let wake = (): void => undefined;
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    let reached = (): void => undefined;
    const paused = new Promise<void>((resolve) => {
      reached = resolve;
    });
    house.directory.onPage = async (page) => {
      if (page !== 2) return;
      house.directory.onPage = () => undefined;
      reached();
      await asleep;
    };
    const { db } = house;
    const log = createLog('silent');
    const clock = () => house.sweepTime(10);
    const first = runSweep(house.sweepOf(), 'schedule', { db, log, clock, leaseMs: 60_000 });
    const refused = expect(first).rejects.toMatchObject({ code: 'sweep.lease_lost' });
    await paused;
    await expireLease();
    const second = await house.sweep(11);
    expect(second).toMatchObject({ state: 'applied', applied: 1 });
    wake();
    await refused;
    const runs = await house.pool.query('select state, code from sweep_runs order by started_at');
    expect(runs.rows).toEqual([
      { state: 'applied', code: 'sweep.applied' },
      { state: 'failed', code: 'sweep.interrupted' },
      { state: 'applied', code: 'sweep.applied' },
    ]);
    expect(
      (await house.auditOf('p001')).filter((kind) => kind === 'user.deactivated'),
    ).toHaveLength(1);
  });

  it('one that is told to stop leaves an incomplete run, and the next goes on', async () => {
    await house.hire(names('p', 10));
    await house.sweep(1);
    const stop = new AbortController();
    house.directory.onPage = (page) => {
      if (page === 1) stop.abort();
    };
    const stopped = await house.sweep(10, {}, { signal: stop.signal });
    expect(stopped).toMatchObject({ state: 'incomplete', code: 'sweep.interrupted' });
    house.directory.onPage = () => undefined;
    expect(await house.sweep(20)).toMatchObject({ state: 'applied' });
  });
});
