import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, toEpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { listNotifications } from '@rollcall/shared/notify/waiting';
import { createLog } from '@rollcall/shared/telemetry/log';
import { judgeScim } from '@rollcall/sweeper/watch/rules/scim';
import { lookOnce } from '@rollcall/sweeper/watch/watch';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';
import { configOf } from '../notify/scene.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

async function look() {
  await scene.health.write();
  await sql`update watch set last_at = last_at - interval '1 minute'`.execute(scene.db);
  const { connections } = configOf({});
  const parts = {
    config: { connections },
    db: scene.db,
    log: createLog('silent'),
    clock: currentTime,
  };
  const steps = await lookOnce(parts, 1_000);
  return steps?.map((step) =>
    step.kind === 'raise' ? step.notification.event : `${step.occasion.event} over`,
  );
}

it('a client that does nothing but fail is told of, once, and so is its next success', async () => {
  for (let n = 0; n < 9; n++) await scene.acme.post('/Users', { no: 'user' });
  // Somebody who is not there is an answer, and neither a failure nor a success.
  await scene.acme.get('/Users/0b6f7a52-3c1e-4c8a-9a51-6f0d2f3f7a10');
  expect(await look()).toEqual([]);
  await scene.acme.post('/Users', { no: 'user' });
  expect(await look()).toEqual(['scim.failing']);
  await scene.acme.post('/Users', { no: 'user' });
  expect(await look()).toEqual([]);
  const filter = { event: 'scim.failing', connection: 'acme', limit: 1 };
  expect(await listNotifications(scene.db, filter)).toMatchObject([
    { facts: { code: expect.stringMatching(/^scim\./), failures: 10 } },
  ]);
  await scene.acme.get('/Users');
  expect(await look()).toEqual(['scim.failing over']);
});

it('a token that has run out counts, though nobody gets in by it', async () => {
  const secret = await scene.token('acme', { expiresAt: after(currentTime(), -60_000) });
  const stale = scene.client(secret);
  for (let n = 0; n < 10; n++) expect((await stale.get('/Users')).status).toBe(401);
  expect(await look()).toEqual(['scim.failing']);
  const { rows } = await sql<{ code: string }>`select code from scim_failures`.execute(scene.db);
  expect(rows).toEqual([{ code: 'scim.token_refused' }]);
});

it('one that fails now and then is not', () => {
  const since = toEpochMs(Date.UTC(2026, 10, 25));
  const connectionId = toConnectionId('acme');
  const of = (failures: number) =>
    judgeScim({ connectionId, failing: { failures, since, code: 'x' } });
  expect(of(9)).toEqual({ holds: null, over: false });
  expect(of(10).holds).toMatchObject({ about: 'since 2026-11-25T00:00:00.000Z' });
});
