import { setTimeout as sleep } from 'node:timers/promises';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { after } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import type { Job } from '@rollcall/shared/queue/job';
import { type JobQueue, openQueues, type Queues } from '@rollcall/shared/queue/queues';
import { catchUp, repairSchedules, scheduleSweeps } from '@rollcall/sweeper/jobs/schedule';
import { tendWhatIsHeld } from '@rollcall/sweeper/jobs/tend';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { until } from '../../support/service.ts';
import { type JobHouse, openJobHouse } from './job-house.ts';

const MINUTE = 60_000;
/** In minutes: so rarely does a moment of a schedule fall into a test. */
const WEEK = 7 * 24 * 60;
const NAMES = Array.from({ length: 8 }, (_, n) => `partner-${String(n).padStart(2, '0')}`);

describeOnBothEngines('the schedules of sweeps', (engine) => {
  let house: JobHouse;
  let foundation: Foundation;
  let queues: Queues;
  let queue: JobQueue;

  beforeAll(async () => {
    house = await openJobHouse(engine);
    foundation = house.foundation;
    queues = await openQueues(foundation);
    queue = queues.queue('sweeps');
  });
  afterAll(async () => {
    await queue.close();
    await house.close();
  });
  beforeEach(async () => {
    await scheduleSweeps(queue, [], currentTime());
  });

  const every = (minutes: number, ...connections: string[]) =>
    connections.map((name) => ({ connectionId: toConnectionId(name), everyMs: minutes * MINUTE }));

  it('are spread over the interval, and the same whoever makes them', async () => {
    const now = currentTime();
    await scheduleSweeps(queue, every(60, ...NAMES), now);
    const made = await queue.schedules();
    const first = made.map(({ nextAt }) => Number(nextAt)).sort((a, b) => a - b);
    expect(first).toHaveLength(8);
    expect(first[0]).toBeGreaterThan(now);
    expect(first.at(-1)).toBeLessThanOrEqual(now + 61 * MINUTE);
    expect(Number(first.at(-1)) - Number(first[0])).toBeGreaterThan(20 * MINUTE);
    expect((await queue.counts()).waiting).toBe(0);
    await scheduleSweeps(queue, every(60, ...NAMES), now);
    expect(sorted(await queue.schedules())).toEqual(sorted(made));
  });

  it('follow a change of the interval, and end with their connection', async () => {
    await scheduleSweeps(queue, every(60, 'a', 'b'), currentTime());
    const before = await queue.schedules();
    await scheduleSweeps(queue, every(10, 'a'), currentTime());
    const [kept, ...others] = await queue.schedules();
    expect(others).toEqual([]);
    expect(kept).toMatchObject({ id: 'sweep-a', everyMs: 10 * MINUTE });
    expect(kept?.nextAt).toBeLessThanOrEqual(currentTime() + 10 * MINUTE);
    expect(before.map(({ id }) => id).sort()).toEqual(['sweep-a', 'sweep-b']);
    expect((await queue.counts()).delayed).toBe(1);
  });

  it('are put in again where they were lost, or have made no job for too long', async () => {
    const wanted = every(60, 'a', 'b');
    const now = currentTime();
    await scheduleSweeps(queue, wanted, now);
    await queue.unschedule('sweep-b');
    await repairSchedules(queue, wanted, now);
    expect((await queue.schedules()).map(({ id }) => id).sort()).toEqual(['sweep-a', 'sweep-b']);
    const made = sorted(await queue.schedules());
    await repairSchedules(queue, wanted, now);
    expect(sorted(await queue.schedules())).toEqual(made);
    // As if two intervals had passed without anybody at work.
    const late = after(now, 121 * MINUTE);
    await repairSchedules(queue, wanted, late);
    expect((await queue.counts()).delayed).toBe(2);
  });

  it('bring back the job of a held plan that the queue has lost', async () => {
    const { db, pool } = foundation;
    const { rows } = await pool.query(`
      insert into sweep_runs (id, connection_id, trigger, state, fence, started_at)
      values (gen_random_uuid(), 'held', 'schedule', 'held', 1, now()) returning id`);
    await pool.query(
      `insert into plans (run_id, connection_id, digest, state, population, created_at, expires_at)
       values ($1, 'held', 'd', 'held', 1, now(), now() + interval '1 day')`,
      [rows[0]?.id],
    );
    const sweeps = every(60, 'held', 'b').map((one) => ({ ...one, mode: 'auto' as const }));
    const tended = queues.queue('tended');
    for (const _ of [1, 2]) await tendWhatIsHeld(tended, db, sweeps);
    expect((await tended.counts()).waiting).toBe(1);
    await tended.close();
  });

  it('that were missed are caught up, spread, each once', async () => {
    const at: number[] = [];
    const done: string[] = [];
    const work = async ({ payload }: Job) => {
      at.push(performance.now());
      done.push((payload as { connectionId: string }).connectionId);
      return { kind: 'done' as const };
    };
    const wanted = every(WEEK, ...NAMES);
    const now = currentTime();
    await scheduleSweeps(queue, wanted, now);
    await house.addRun('partner-07', after(now, -10 * MINUTE));
    await house.addRun('partner-08', after(now, -(WEEK + 1) * MINUTE));
    await Promise.all([1, 2, 3].map(() => catchUp(queue, foundation.db, wanted, now)));
    const worker = queues.worker('sweeps', work, { concurrency: 50, onError: () => undefined });
    await until('all of them', 20_000, async () => done.length >= 7);
    await sleep(300);
    expect(done.sort()).toEqual(NAMES.filter((name) => name !== 'partner-07'));
    const times = at.toSorted((a, b) => a - b);
    expect(Number(times.at(-1)) - Number(times[0])).toBeGreaterThan(700);
    await worker.close();
  });
});

function sorted<Kept extends { id: string }>(schedules: readonly Kept[]): Kept[] {
  return schedules.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
