import { setTimeout as sleep } from 'node:timers/promises';
import { pruneOutbox } from '@rollcall/shared/outbox/prune';
import { forgetAbandonedTargets } from '@rollcall/shared/outbox/targets';
import {
  readBacklogs,
  readFailed,
  replayDeliveries,
  skipDelivery,
} from '@rollcall/shared/outbox/waiting';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  admit,
  assertion,
  at,
  OPERATOR,
  openScene,
  run,
  type Scene,
  step,
} from '../access/people.ts';
import {
  change,
  employ,
  type Listener,
  listen,
  numberOf,
  outOfOrder,
  until,
  waiting,
} from './changes.ts';

let scene: Scene;
let listeners: Listener[];
beforeEach(async () => {
  scene = await openScene();
  listeners = [];
});
afterEach(async () => {
  await Promise.all(listeners.map(({ relay }) => relay.stop()));
  await scene.drop();
});

async function hear(
  ...args: Parameters<typeof listen> extends [Scene, ...infer Rest] ? Rest : never
) {
  const listener = await listen(scene, ...args);
  listeners.push(listener);
  return listener;
}

describe('a handler', () => {
  it('hears of a whole life, in its order, with who it is', async () => {
    const { heard } = await hear('crm');
    const { user, session } = await admit(scene, 'ada', ['analyst'], 0);
    await admit(scene, 'ada', ['editor'], 10, {
      profile: { email: 'ada@acme.example', givenName: 'Ada', familyName: 'King' },
    });
    await run(
      scene,
      { kind: 'end_session', sessionId: session.id, reason: 'signed_out' },
      assertion(),
      20,
    );
    await run(scene, step('deactivate', user.id, { reason: 'by_admin' }), OPERATOR, 30);
    await run(scene, step('restore', user.id, { reason: 'by_admin' }), OPERATOR, 40);
    await until('seven changes', () => heard.length === 7);
    const told = heard.map(({ id: _, at: __, ...one }) => one);
    const who = { id: user.id, record: user.id, connection: 'acme', subject: 'ada' };
    expect(told).toEqual(
      [
        {
          kind: 'user.created',
          roles: ['analyst'],
          profile: { email: 'ada@acme.example', givenName: 'ada', familyName: 'Test' },
        },
        { kind: 'roles.changed', gained: ['editor'], lost: ['analyst'], roles: ['editor'] },
        {
          kind: 'user.changed',
          profile: { email: 'ada@acme.example', givenName: 'Ada', familyName: 'King' },
        },
        { kind: 'session.revoked', sessionIds: [session.id], reason: 'signed_out' },
        { kind: 'session.revoked', sessionIds: [expect.any(String)], reason: 'by_admin' },
        { kind: 'user.deactivated', reason: 'by_admin' },
        { kind: 'user.restored', reason: 'by_admin' },
      ].map((one) => ({ ...one, attempt: 1, user: who })),
    );
    expect(heard[0]?.at).toBe(new Date(at(0)).toISOString());
    expect(new Set(heard.map(({ id }) => id)).size).toBe(7);
    // What was heard is written down a moment later.
    await until('the last to be written down', async () => (await waiting(scene, 'crm')) === 0);
  });

  it('hears nothing before the commit, nothing of what was rolled back, and soon after', async () => {
    const { heard } = await hear('crm', { pollMs: 400 });
    const [ann = ''] = await employ(scene, 1);
    const client = await scene.pool.connect();
    const write = (number: number) =>
      client.query(
        `insert into outbox (at, kind, user_id, payload) values (now(), 'user.changed', $1, $2)`,
        [ann, { number, profile: {} }],
      );
    await client.query('begin');
    await write(1);
    await client.query('rollback');
    await client.query('begin');
    await write(2);
    await until('the first', () => heard.length === 1);
    await sleep(600);
    expect(heard.map(({ kind }) => kind)).toEqual(['user.created']);
    const committed = performance.now();
    await client.query('commit');
    client.release();
    await until('the second', () => heard.length === 2);
    expect(performance.now() - committed).toBeLessThan(1_000);
    expect(numberOf(heard[1]!)).toBe(2);
  });

  it('is never told of one user by two instances at once, nor twice, nor out of order', async () => {
    const inHand = new Map<string, number>();
    let most = 0;
    const react = async ({ user }: { user: { record: string } }) => {
      const now = (inHand.get(user.record) ?? 0) + 1;
      inHand.set(user.record, now);
      most = Math.max(most, now);
      await sleep(Math.random() * 3);
      inHand.set(user.record, now - 1);
    };
    const users = await employ(scene, 50);
    const one = await hear('crm', {}, react);
    const two = await hear('crm', {}, react);
    // Written while both are at work, in parts, as they come in a running service.
    for (let from = 0; from < 1_000; from += 100) await change(scene, users, 100, from);
    const all = () => [...one.heard, ...two.heard];
    await until('a thousand changes', () => all().length >= 1_000);
    // Heard is not yet written down: the last ones are still in hand.
    await vi.waitFor(async () => expect(await waiting(scene, 'crm')).toBe(0), 10_000);
    expect(most).toBe(1);
    expect(new Set(all().map(({ id }) => id)).size).toBe(1_000);
    expect(all()).toHaveLength(1_000);
    expect(one.heard.length).toBeGreaterThan(50);
    expect(two.heard.length).toBeGreaterThan(50);
    expect([...outOfOrder(one.heard), ...outOfOrder(two.heard)]).toEqual([]);
  });
});

describe('a handler that fails', () => {
  it('for one user is called again, in order, and nobody else waits', async () => {
    const users = await employ(scene, 5);
    let failures = 3;
    const { heard, logged } = await hear('crm', {}, ({ user }) => {
      if (user.record === users[0] && failures-- > 0) throw new Error('the CRM is closed');
    });
    await change(scene, users, 25);
    await until('everything', () => heard.length === 25);
    expect(outOfOrder(heard)).toEqual([]);
    expect(heard.find(({ user }) => user.record === users[0])?.attempt).toBe(4);
    expect(logged.filter(({ event }) => event === 'delivery.failed')).toMatchObject([
      { target: 'crm', attempt: 1, error: 'the CRM is closed', user: users[0] },
      { attempt: 2 },
      { attempt: 3 },
    ]);
  });

  it('for ever is given up after its attempts: parked, told, and replayed by hand', async () => {
    const users = await employ(scene, 3);
    let closed = true;
    const { heard, logged } = await hear('crm', { attempts: 3 }, ({ user }) => {
      if (closed && user.record === users[0]) throw new Error('the CRM is closed');
    });
    await change(scene, users, 9);
    await until('the parking', async () => {
      const [one] = await readFailed(scene.db, 10);
      return one !== undefined && one.parkedAt !== null;
    });
    await until('the others', () => heard.length === 6);
    const [failed] = await readFailed(scene.db, 10);
    expect(failed).toMatchObject({
      target: 'crm',
      kind: 'user.changed',
      userId: users[0],
      attempts: 3,
      error: 'the CRM is closed',
      behind: 2,
    });
    expect(await readBacklogs(scene.db)).toMatchObject([{ name: 'crm', waiting: 3, parked: 1 }]);
    expect(logged.filter(({ event }) => event === 'delivery.parked')).toHaveLength(1);
    // Those behind it wait: an old name after a new one would be worse than none.
    await sleep(100);
    expect(heard).toHaveLength(6);

    closed = false;
    expect(await replayDeliveries(scene.db, { target: 'crm', change: null })).toBe(1);
    await until('the rest', () => heard.length === 9);
    expect(outOfOrder(heard)).toEqual([]);
  });

  it('over one change that it can never take, is rid of it when that is skipped', async () => {
    const [ann = ''] = await employ(scene, 1);
    const { heard } = await hear('crm', { attempts: 1 }, (one) => {
      if (numberOf(one) === 0) throw new Error('never');
    });
    await change(scene, [ann], 2);
    await until('the parking', async () => (await readFailed(scene.db, 10)).length === 1);
    const [failed] = await readFailed(scene.db, 10);
    const choice = { target: 'crm', change: failed?.change ?? '' };
    expect(await skipDelivery(scene.db, { ...choice, target: 'another' }, OPERATOR, at(10))).toBe(
      false,
    );
    expect(await skipDelivery(scene.db, choice, OPERATOR, at(10))).toBe(true);
    expect(await skipDelivery(scene.db, choice, OPERATOR, at(10))).toBe(false);
    await until('the next one', () => heard.length === 1);
    expect(numberOf(heard[0]!)).toBe(1);
  });

  it('by hanging is cut off, told so, and called again', async () => {
    const users = await employ(scene, 3);
    const signals: AbortSignal[] = [];
    let hangs = true;
    const { heard, logged } = await hear('crm', { timeoutMs: 100 }, ({ user }, signal) => {
      if (!hangs || user.record !== users[0]) return;
      hangs = false;
      signals.push(signal);
      return new Promise(() => undefined);
    });
    await change(scene, users, 6);
    await until('everything', () => heard.length === 6);
    expect(signals[0]?.aborted).toBe(true);
    expect(logged.filter(({ event }) => event === 'delivery.failed')).toMatchObject([
      { error: 'no answer within 100 ms' },
    ]);
    expect(outOfOrder(heard)).toEqual([]);
  });

  it('does not hold up another handler', async () => {
    const users = await employ(scene, 2);
    await hear('broken', {}, () => {
      throw new Error('never');
    });
    const whole = await hear('whole');
    await change(scene, users, 10);
    await until('everything', () => whole.heard.length === 10);
    expect(await waiting(scene, 'broken')).toBe(10);
  });
});

describe('what is committed while nobody listens', () => {
  it('waits for the next process of the name, and is not for those who come later', async () => {
    const users = await employ(scene, 2);
    await change(scene, users, 2);
    const first = await hear('crm');
    await first.relay.stop();
    await change(scene, users, 4, 2);
    const again = await hear('crm');
    const late = await hear('late');
    await until('the four', () => again.heard.length === 4);
    expect(again.heard.map(numberOf).sort()).toEqual([2, 3, 4, 5]);
    expect(first.heard).toEqual([]);
    expect(late.heard).toEqual([]);
  });

  it('goes after its time, and only what nobody waits for', async () => {
    const users = await employ(scene, 1);
    const { relay } = await hear('crm');
    await relay.stop();
    await change(scene, users, 2);
    await scene.pool.query("update outbox set at = now() - interval '8 days'");
    await scene.pool.query(
      'delete from outbox_deliveries where outbox_id = (select max(id) from outbox)',
    );
    // The one of the hiring, and the one whose delivery is gone.
    expect(await pruneOutbox(scene.db)).toBe(2);
    expect(await waiting(scene, 'crm')).toBe(1);
    expect(await forgetAbandonedTargets(scene.db)).toEqual([]);
    await scene.pool.query("update outbox_targets set seen_at = now() - interval '31 days'");
    expect(await forgetAbandonedTargets(scene.db)).toEqual(['crm']);
    expect(await waiting(scene, 'crm')).toBe(0);
  });
});

describe('two transactions about one user', () => {
  it('are heard of in the order of their commits, though one of them holds no row of the user', async () => {
    const { heard } = await hear('crm');
    const [ann = ''] = await employ(scene, 1);
    await until('the hiring', () => heard.length === 1);
    const clients = [await scene.pool.connect(), await scene.pool.connect()];
    const [slow, fast] = clients;
    const text = `insert into outbox (at, kind, user_id, payload) values (now(), 'user.changed', $1, $2)`;
    await slow?.query('begin');
    // The number is drawn, and nothing else of the user was locked before.
    await slow?.query(text, [ann, { number: 1, profile: {} }]);
    let done = false;
    const second = fast?.query(text, [ann, { number: 2, profile: {} }]).then(() => {
      done = true;
    });
    await sleep(200);
    expect(done).toBe(false);
    await slow?.query('commit');
    await second;
    for (const client of clients) client.release();
    await until('both', () => heard.length === 3);
    expect(heard.slice(1).map(numberOf)).toEqual([1, 2]);
  });
});

describe('a database that goes away', () => {
  it('is waited for', async () => {
    const { heard, logged } = await hear('crm');
    const users = await employ(scene, 1);
    await until('the hiring', () => heard.length === 1);
    await scene.pool.query('alter table outbox_deliveries rename to elsewhere');
    await until('the failure', () => logged.some(({ event }) => event === 'relay.failed'));
    await scene.pool.query('alter table elsewhere rename to outbox_deliveries');
    await change(scene, users, 1);
    await until('the change', () => heard.length === 2);
  });
});
