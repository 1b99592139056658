import { inTransaction } from '@rollcall/shared/db/database';
import { type Notification, raise, resolve } from '@rollcall/shared/notify/raise';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ACME, at, openScene, type Scene } from '../access/people.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

let about = '';
let run = 0;
beforeEach(() => {
  run += 1;
  about = `run-${run}`;
});

function held(more: Partial<Notification> = {}): Notification {
  const facts = { run: about, plan: 'd1', waiting: 214, of: 1_218, why: ['17.6 % of 1,218'] };
  return { event: 'sweep.held', connectionId: ACME, about, facts, ...more } as Notification;
}

const raiseOnce = (notification: Notification, seconds = 1) =>
  inTransaction(scene.db, (tx) => raise(tx, notification, at(seconds)));
const resolveOnce = (notification: Notification, seconds = 2) =>
  inTransaction(scene.db, (tx) => resolve(tx, notification, at(seconds)));
const stored = () =>
  scene.db
    .selectFrom('notifications')
    .selectAll()
    .where('about', '=', about)
    .orderBy('id')
    .execute();

it('stores a notification with its facts', async () => {
  expect(await raiseOnce(held())).toBe(true);
  expect(await stored()).toMatchObject([
    {
      at: new Date(at(1)),
      event: 'sweep.held',
      standing: 'raised',
      connection_id: 'acme',
      facts: { run: about, plan: 'd1', waiting: 214, of: 1_218, why: ['17.6 % of 1,218'] },
    },
  ]);
});

it('stores it once, whoever raises it at the same time, with or without a connection', async () => {
  for (const connectionId of [ACME, null]) {
    const raised = await Promise.all(
      Array.from({ length: 8 }, () => raiseOnce(held({ connectionId }))),
    );
    expect(raised.filter((first) => first)).toHaveLength(1);
  }
  expect(await stored()).toHaveLength(2);
});

it('tells another occasion, and another event about the same, for themselves', async () => {
  await raiseOnce(held());
  expect(await raiseOnce(held({ about: `${about}-next` }))).toBe(true);
  const facts = { run: about, plan: 'd1', waiting: 214, held_for_hours: 1 };
  expect(await raiseOnce({ event: 'sweep.escalated', connectionId: ACME, about, facts })).toBe(
    true,
  );
});

it('is gone with the transaction that it tells of', async () => {
  const broken = inTransaction(scene.db, async (tx) => {
    await raise(tx, held(), at(1));
    throw new Error('rolled back');
  });
  await expect(broken).rejects.toThrow('rolled back');
  expect(await stored()).toEqual([]);
});

it('resolves what was raised, once, with the facts of its beginning', async () => {
  expect(await resolveOnce(held())).toBe(false);
  await raiseOnce(held());
  const resolved = await Promise.all([resolveOnce(held()), resolveOnce(held())]);
  expect(resolved.sort()).toEqual([false, true]);
  const [first, second] = await stored();
  expect(second).toMatchObject({ standing: 'resolved', at: new Date(at(2)), facts: first?.facts });
});

it('stores whatever an identity provider may call somebody', async () => {
  const facts = {
    run: 'r\u0000\ud800',
    plan: '\u001b[2J',
    waiting: 1,
    of: 2,
    why: ['x'.repeat(9_000)],
  };
  await raiseOnce(held({ facts } as Partial<Notification>));
  const [row] = await stored();
  expect(row?.facts).toMatchObject({ run: 'r\\u{0}\\u{d800}', plan: '\\u{1b}[2J' });
  expect(JSON.stringify(row?.facts).length).toBeLessThan(700);
});

it('is append-only', async () => {
  await raiseOnce(held());
  const attempts = [
    sql`update notifications set event = 'x'`,
    sql`delete from notifications`,
    sql`truncate notifications cascade`,
  ];
  for (const attempt of attempts) {
    await expect(attempt.execute(scene.db)).rejects.toThrow('notifications is append-only');
  }
});
