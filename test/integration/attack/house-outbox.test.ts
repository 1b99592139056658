import { setTimeout as sleep } from 'node:timers/promises';
import { apply } from '@rollcall/shared/access/apply';
import { inTransaction } from '@rollcall/shared/db/database';
import { registerTarget } from '@rollcall/shared/outbox/targets';
import { skipDelivery } from '@rollcall/shared/outbox/waiting';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { admit, at, OPERATOR, openScene, run, type Scene, step } from '../access/people.ts';
import { listen, until, waiting } from '../outbox/changes.ts';

/** Ways for a change to be lost on its way out, or to be kept from happening. */
let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

it('a change that is committed after a handler was ready reaches it, whenever it began', async () => {
  const { user } = await admit(scene, 'ada', ['analyst'], 0);
  const made = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const out = inTransaction(scene.db, async (tx) => {
    await apply(tx, step('deactivate', user.id), OPERATOR, at(10));
    made.resolve();
    await commit.promise;
  });
  await made.promise;
  // What whoever has just registered reads, as a host app that begins with a copy.
  const listening = listen(scene, 'crm').then(async (listener) => {
    const { rows } = await scene.pool.query<{ state: string }>('select state from users');
    return { ...listener, copied: rows[0]?.state };
  });
  await Promise.race([listening, sleep(300)]);
  commit.resolve();
  const [{ heard, relay, copied }] = await Promise.all([listening, out]);
  await until('an end', async () => (await waiting(scene, 'crm')) === 0);
  await relay.stop();
  const told = heard.some(({ kind }) => kind === 'user.deactivated');
  expect({ copied, told }).not.toEqual({ copied: 'active', told: false });
});

it('registers a target while people sign in, and holds none of them up for good', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `p${index}`);
  const registrations = Array.from({ length: 5 }, (_, i) => registerTarget(scene.db, `t${i}`));
  await Promise.all([...names.map((name) => admit(scene, name, ['analyst'], 0)), ...registrations]);
  const { rows } = await scene.pool.query('select name from outbox_targets');
  expect(rows).toHaveLength(5);
});

it('nobody keeps access because a target is given up in the same moment', async () => {
  const { user } = await admit(scene, 'ada', ['analyst'], 0);
  await registerTarget(scene.db, 'crm');
  const client = await scene.pool.connect();
  try {
    await client.query('begin');
    await client.query("delete from outbox_targets where name = 'crm'");
    const out = run(scene, step('deactivate', user.id), OPERATOR, 10);
    await until('a lock that is waited for', async () => {
      const { rows } = await scene.pool.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      );
      return rows.length > 0;
    });
    await client.query('commit');
    await expect(out).resolves.toMatchObject({ kind: 'applied' });
  } finally {
    client.release();
  }
});

it('nobody keeps the end of an access from an app without a trace', async () => {
  const { user } = await admit(scene, 'ada', ['analyst'], 0);
  await registerTarget(scene.db, 'crm');
  await run(scene, step('deactivate', user.id), OPERATOR, 10);
  const { rows } = await scene.pool.query<{ outbox_id: string }>(
    `update outbox_deliveries d set parked_at = now() from outbox o
      where o.id = d.outbox_id and o.kind = 'user.deactivated' returning outbox_id`,
  );
  const choice = { target: 'crm', change: String(rows[0]?.outbox_id) };
  const both = [
    skipDelivery(scene.db, choice, OPERATOR, at(20)),
    skipDelivery(scene.db, choice, OPERATOR, at(20)),
  ];
  expect((await Promise.all(both)).sort()).toEqual([false, true]);
  const { rows: trail } = await scene.pool.query(
    "select actor, user_id, evidence from audit_events where kind = 'change.skipped'",
  );
  expect(trail).toEqual([
    { actor: OPERATOR, user_id: user.id, evidence: { ...choice, kind: 'user.deactivated' } },
  ]);
});
