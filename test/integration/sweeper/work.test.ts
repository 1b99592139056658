import { toConnectionId } from '@rollcall/shared/core/ids';
import type { Job } from '@rollcall/shared/queue/job';
import { type JobQueue, openQueues } from '@rollcall/shared/queue/queues';
import { createLog } from '@rollcall/shared/telemetry/log';
import { DirectoryError } from '@rollcall/sweeper/directories/directory-error';
import { type SweepWork, workOnSweep } from '@rollcall/sweeper/jobs/work';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { takeLease } from '@rollcall/sweeper/sweep/lease';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { until } from '../../support/service.ts';
import { ACME } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';
import { foundationOver } from './job-house.ts';

const PLACE = { key: 'https://idp.example', concurrency: 1, requestsPerSecond: null };

let house: House;
let queue: JobQueue;
let close: () => Promise<void>;
let minute = 0;
const logged: { event: string }[] = [];
const log = createLog('debug', { write: (line) => void logged.push(JSON.parse(line)) });

beforeAll(async () => {
  house = await openHouse();
  await house.hire(names('p', 6));
  const foundation = await foundationOver(house.url);
  const queues = await openQueues(foundation);
  queue = queues.queue('sweeps');
  close = async () => {
    await queue.close();
    await foundation.close();
  };
  await house.sweep(1);
});
afterAll(async () => {
  await close();
  await house.drop();
});
beforeEach(async () => {
  house.directory.faults = {};
  house.directory.onPage = () => undefined;
  await house.pool.query('delete from directory_pace');
  logged.length = 0;
  minute += 20;
});

function work(more: Partial<ConnectionSweep> = {}, signal?: AbortSignal): SweepWork {
  const clock = () => house.sweepTime(minute);
  const tools = { db: house.db, log, clock, leaseMs: 1_000, ...(signal ? { signal } : {}) };
  return { sweeps: new Map([[ACME, house.sweepOf(more)]]), queue, tools };
}

function job(more: Partial<Job> = {}): Job {
  const payload = { connectionId: ACME, trigger: 'schedule' };
  return { id: 'j1', name: 'sweep', payload, attempt: 1, attempts: 3, abandoned: 0, ...more };
}

it('is done with a sweep that went well', async () => {
  expect(await workOnSweep(job(), work())).toEqual({ kind: 'done' });
});

it('tries again what the directory did not answer, three times, then leaves it to the next', async () => {
  house.directory.faults = { failAfterPages: { pages: 1, fault: 'timed_out' } };
  for (const attempt of [1, 2]) {
    const outcome = await workOnSweep(job({ attempt }), work());
    expect(outcome).toMatchObject({ kind: 'again', why: 'directory.timed_out' });
  }
  expect(await workOnSweep(job({ attempt: 3 }), work())).toEqual({ kind: 'done' });
  expect(logged.some(({ event }) => event === 'sweep.dead_letter')).toBe(false);
});

it('waits as long as the directory asks, and does not even ask it meanwhile', async () => {
  house.directory.onPage = () => {
    throw new DirectoryError('rate_limited', 'too many requests', { retryAfterMs: 120_000 });
  };
  const outcome = await workOnSweep(job(), work({ place: PLACE }));
  expect(outcome).toMatchObject({ kind: 'again', why: 'directory.rate_limited' });
  if (outcome.kind === 'again') expect(outcome.delayMs).toBeGreaterThanOrEqual(120_000);
  const { listings } = house.directory;
  const early = await workOnSweep(job(), work({ place: PLACE }));
  expect(early).toMatchObject({ kind: 'later' });
  if (early.kind === 'later') expect(early.delayMs).toBeGreaterThan(115_000);
  const short = work({ place: PLACE, everyMs: 60_000 });
  expect(await workOnSweep(job(), short)).toEqual({ kind: 'done' });
  expect(house.directory.listings).toBe(listings);
});

it('comes back later while enough others ask the same directory', async () => {
  const other = await takeLease(house.db, toConnectionId('other'), 'x', 30_000, PLACE.key);
  const outcome = await workOnSweep(job(), work({ place: PLACE }));
  expect(outcome).toMatchObject({ kind: 'later' });
  await other?.release();
  expect(await workOnSweep(job(), work({ place: PLACE }))).toEqual({ kind: 'done' });
});

it('gives the job back when the worker stops, before and during the listing', async () => {
  const stop = new AbortController();
  house.directory.onPage = (page) => {
    if (page === 1) stop.abort();
  };
  const stopping = work({}, stop.signal);
  expect(await workOnSweep(job(), stopping)).toEqual({ kind: 'hand_back' });
  expect(await workOnSweep(job(), stopping)).toEqual({ kind: 'hand_back' });
  const held = 'select 1 from sweep_leases where expires_at > clock_timestamp()';
  expect((await house.pool.query(held)).rowCount).toBe(0);
});

it('keeps one dead letter of a connection whose sweep fails by a fault of ours', async () => {
  house.directory.onPage = () => {
    throw new TypeError('a bug');
  };
  await expect(workOnSweep(job(), work())).rejects.toMatchObject({ code: 'internal' });
  expect(logged.map(({ event }) => event)).not.toContain('sweep.dead_letter');
  const foundation = await foundationOver(house.url);
  const queues = await openQueues(foundation);
  const worker = queues.worker(
    'sweeps',
    async (one) => {
      // Its last attempt, without waiting for the pauses before it.
      await workOnSweep({ ...one, attempt: one.attempts }, work()).catch(() => undefined);
      return { kind: 'dead', why: 'a bug' };
    },
    { concurrency: 1, onError: () => undefined },
  );
  const { payload } = job();
  for (const _ of [1, 2]) await queue.add('sweep', payload as object);
  const settled = async () => {
    const { waiting, active, dead } = await queue.counts();
    return waiting + active === 0 && dead === 1;
  };
  await until('the dead letter', 10_000, settled);
  expect(await queue.dead(10)).toMatchObject([{ payload, reason: 'a bug' }]);
  expect(logged.filter(({ event }) => event === 'sweep.dead_letter')).toHaveLength(2);
  await worker.close();
  await foundation.close();
});
