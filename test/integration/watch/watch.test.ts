import { randomUUID } from 'node:crypto';
import { validateConfig } from '@rollcall/shared/config/load';
import { toUserId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { listNotifications } from '@rollcall/shared/notify/waiting';
import { createLog } from '@rollcall/shared/telemetry/log';
import { lookOnce } from '@rollcall/sweeper/watch/watch';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = toEpochMs(Date.UTC(2026, 10, 25, 12));
const { connections } = validateConfig({
  version: 1,
  public_url: 'https://auth.example.com',
  session: { keys: ['env:K'] },
  connections: [
    {
      id: 'acme',
      idp: { metadata_url: 'https://idp.example/' },
      subject: { attribute: 'uid' },
      directory: { type: 'scim', url: 'https://idp.example/scim', token: 'env:T' },
      sweep: {},
    },
  ],
});

let scene: Scene;
let now: EpochMs;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());
beforeEach(async () => {
  now = NOON;
  await sql`delete from watched_connections`.execute(scene.db);
  await sql`delete from sweep_runs`.execute(scene.db);
  await sql`delete from sign_in_refusals`.execute(scene.db);
  await sql`delete from users`.execute(scene.db);
  // What one test has left open is over for the next one.
  await sql`
    insert into notifications (at, event, standing, connection_id, about, facts)
    select at, event, 'resolved', connection_id, about, facts from notifications
     where standing = 'raised' on conflict do nothing`.execute(scene.db);
});

const parts = () => ({
  config: { connections },
  db: scene.db,
  log: createLog('silent'),
  clock: () => now,
});
const look = async (minutes: number, atMostEveryMs = 0) => {
  now = after(NOON, minutes * MINUTE);
  const steps = await lookOnce(parts(), atMostEveryMs);
  return steps?.map((step) =>
    step.kind === 'raise' ? step.notification.event : `${step.occasion.event} over`,
  );
};
const run = (state: string, minutes: number, code = 'x', kind: string | null = null) =>
  sql`
  insert into sweep_runs (id, connection_id, trigger, state, fence, started_at, finished_at, code, snapshot_kind)
  values (${randomUUID()}, 'acme', 'schedule', ${state}, 1, ${new Date(after(NOON, minutes * MINUTE))},
          ${new Date(after(NOON, minutes * MINUTE + 1))}, ${code}, ${kind})`.execute(scene.db);
/** To be swept since noon, whatever the clock of a test was before. */
const good = (minutes: number) => run('applied', minutes, 'sweep.applied', 'complete');

it('tells of a connection that is not swept, once, and of its end', async () => {
  expect(await look(0)).toEqual([]);
  expect(await look(44)).toEqual([]);
  expect(await look(46)).toEqual(['sweep.stale']);
  expect(await look(47)).toEqual([]);
  await good(48);
  expect(await look(49)).toEqual(['sweep.stale over']);
  expect(await look(95)).toEqual(['sweep.stale']);
  await good(96);
  expect(await look(96)).toEqual(['sweep.stale over']);
});

it('tells of a directory that fails three times in a row, and not of workers that were stopped', async () => {
  await good(0);
  for (const minutes of [1, 2]) await run('incomplete', minutes, 'directory.timed_out');
  for (const minutes of [3, 4]) await run('incomplete', minutes, 'sweep.interrupted');
  expect(await look(5)).toEqual([]);
  await run('incomplete', 6, 'directory.unauthorized');
  expect(await look(7)).toEqual(['directory.failing']);
  await run('incomplete', 8, 'directory.unauthorized');
  expect(await look(9)).toEqual([]);
  const filter = { event: 'directory.failing', connection: 'acme', limit: 1 };
  expect(await listNotifications(scene.db, filter)).toMatchObject([
    { facts: { failures: 3, code: 'directory.unauthorized' } },
  ]);
  await good(10);
  expect(await look(11)).toEqual(['directory.failing over']);
});

it('tells of sweeps that break down for themselves', async () => {
  await good(0);
  for (const minutes of [1, 2, 3]) await run('failed', minutes, 'internal');
  expect(await look(4)).toEqual(['sweep.failed']);
});

it('is done by one of any number of workers at a time, and by the next one after it', async () => {
  await look(0);
  const looks = await Promise.all(
    Array.from({ length: 6 }, () => {
      now = after(NOON, 46 * MINUTE);
      return lookOnce(parts(), 30_000);
    }),
  );
  expect(looks.filter((steps) => steps !== null)).toEqual([]);
  await sql`update watch set last_at = last_at - interval '31 seconds'`.execute(scene.db);
  const again = await Promise.all(Array.from({ length: 6 }, () => lookOnce(parts(), 30_000)));
  expect(again.filter((steps) => steps !== null)).toHaveLength(1);
});

it('tells of far more new people than usual', async () => {
  await good(0);
  const admit = (count: number, hoursAgo: number) =>
    sql`
    insert into users (id, connection_id, subject, owner, state, state_changed_at, created_at)
    select gen_random_uuid(), 'acme', gen_random_uuid()::text, 'roll', 'active', now(),
           ${new Date(after(NOON, -hoursAgo * HOUR))} from generate_series(1, ${count}::int)`.execute(
      scene.db,
    );
  for (let day = 1; day <= 7; day++) await admit(4, day * 24 + 2);
  await admit(20, 0.5);
  expect(await look(1)).toEqual([]);
  await admit(1, 0.5);
  expect(await look(2)).toEqual(['users.spike']);
  await good(60);
  expect(await look(90)).toEqual(['users.spike over']);
});

it('tells of far more refusals than usual', async () => {
  await good(0);
  const refuse = (day: string, count: number, code = 'saml.expired') =>
    sql`
    insert into sign_in_refusals (connection_id, code, day, count, first_at, last_at, recent)
    values ('acme', ${code}, ${day}, ${count}, now(), now(), '[]')
    on conflict (connection_id, code, day) do update set count = excluded.count`.execute(scene.db);
  await refuse('2026-11-24', 3);
  await refuse('2026-11-25', 20);
  expect(await look(1)).toEqual([]);
  await refuse('2026-11-25', 15, 'saml.replayed');
  expect(await look(2)).toEqual(['sign_in.refusals_spike']);
  const filter = { event: 'sign_in.refusals_spike', connection: null, limit: 1 };
  expect(await listNotifications(scene.db, filter)).toMatchObject([
    { facts: { refused: 35, usual: 0, codes: ['saml.expired 20', 'saml.replayed 15'] } },
  ]);
  await good(780);
  expect(await look(800)).toEqual(['sign_in.refusals_spike over']);
});

it('tells once a day of an administrator whom only the rule has kept', async () => {
  await good(0);
  const user = toUserId(randomUUID());
  const keep = () =>
    sql`
    insert into audit_events (at, kind, actor, user_id, connection_id, reason, evidence)
    values (${new Date(now)}, 'roles.kept', '{"kind": "sweep"}', ${user}, 'acme', 'last_admin',
            '{"kept": ["admin"]}')`.execute(scene.db);
  await keep();
  await keep();
  expect(await look(1)).toEqual(['last_admin.protected']);
  await keep();
  expect(await look(2)).toEqual([]);
  const filter = { event: 'last_admin.protected', connection: 'acme', limit: 1 };
  expect(await listNotifications(scene.db, filter)).toMatchObject([
    { facts: { user, roles: ['admin'], kept_from: 'sweep' } },
  ]);
});
