import { replaySink } from '@rollcall/shared/notify/waiting';
import { replayDeliveries } from '@rollcall/shared/outbox/waiting';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { change, employ, until } from '../outbox/changes.ts';
import { openReceiver, type Received, type Receiver } from './receiver.ts';
import { newSecret, raiseOne, resolveOne, type Tellers, tell } from './scene.ts';

let scene: Scene;
let receiver: Receiver;
const telling: Tellers[] = [];
const SECRET = newSecret();
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(async () => {
  await Promise.all(telling.splice(0).map((one) => one.stop()));
  await receiver.close();
  await sql`delete from notification_sinks`.execute(scene.db);
  await sql`delete from outbox_targets`.execute(scene.db);
});

const env = () => ({ HOOK_URL: `${receiver.url}/hook`, HOOK_SECRET: SECRET });
const HOOK = { type: 'webhook', url: 'env:HOOK_URL', secret: 'env:HOOK_SECRET' } as const;

async function start(part: Parameters<typeof tell>[1], ...more: Parameters<typeof tell>[3][]) {
  const one = await tell(scene, part, env(), ...more);
  telling.push(one);
  return one;
}

const verify = (secret: string, { headers, body }: Received): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);
const idsOf = (received: readonly Received[]) =>
  received.map(({ headers }) => headers['webhook-id']);

describe('a webhook for notifications', () => {
  it('is told what happened, signed as Standard Webhooks has it', async () => {
    await start({ notify: [HOOK] });
    await raiseOne(scene, 'sweep.held', 'told');
    await until('the message', () => receiver.received.length === 1);
    const [one] = receiver.received;
    expect(verify(SECRET, one!)).toMatchObject({
      type: 'sweep.held',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: {
        source: 'https://auth.example.com',
        severity: 'critical',
        standing: 'raised',
        connection: 'acme',
        facts: { waiting: 214, of: 1_218 },
        test: false,
      },
    });
    expect(one?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': expect.stringMatching(/^notification_[0-9a-f-]{36}_\d+$/),
    });
    expect(() => verify(newSecret(), one!)).toThrow();
  });

  it('that fails hears of it again, under the same id, and of its end after its beginning', async () => {
    receiver.answers.push(500, 404, 302);
    const { logged } = await start({ notify: [HOOK] });
    await raiseOne(scene, 'directory.failing', 'again');
    await resolveOne(scene, 'directory.failing', 'again');
    await until('all of it', () => receiver.received.length === 5);
    const ids = idsOf(receiver.received);
    expect(new Set(ids.slice(0, 4)).size).toBe(1);
    const standings = receiver.received.map(({ body }) => JSON.parse(body).data.standing);
    expect(standings).toEqual(['raised', 'raised', 'raised', 'raised', 'resolved']);
    const errors = logged
      .filter(({ event }) => event === 'delivery.failed')
      .map(({ error }) => error);
    const host = new URL(receiver.url).host;
    expect(errors).toEqual(
      [500, 404, 302].map((s) => `${host}: expected a status of 2xx, received ${s}`),
    );
  });

  it('hears only what it asked for', async () => {
    await start({ notify: [{ ...HOOK, on: ['sweep.held'] }] });
    await raiseOne(scene, 'sweep.stale', 'not-asked');
    await raiseOne(scene, 'sweep.held', 'asked');
    await until('the message', () => receiver.received.length === 1);
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({ type: 'sweep.held' });
    const { rows } = await sql`
      select from notification_deliveries d join notifications n on n.id = d.notification_id
       where n.about = 'not-asked'`.execute(scene.db);
    expect(rows).toEqual([]);
  });

  it('is signed with both secrets while they are changed', async () => {
    const fresh = newSecret();
    const one = await tell(
      scene,
      { notify: [{ ...HOOK, secret: ['env:FRESH', 'env:HOOK_SECRET'] }] },
      {
        ...env(),
        FRESH: fresh,
      },
    );
    telling.push(one);
    await raiseOne(scene, 'sweep.held', 'rotated');
    await until('the message', () => receiver.received.length === 1);
    const [message] = receiver.received;
    expect(verify(SECRET, message!)).toEqual(verify(fresh, message!));
    expect(message?.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
  });

  it('is waited for as long as it asks', async () => {
    receiver.answers.push({ status: 429, headers: { 'retry-after': '3600' } });
    await start({ notify: [HOOK] });
    await raiseOne(scene, 'sweep.held', 'later');
    const wait = async () => {
      const { rows } = await sql<{ s: number }>`
        select extract(epoch from due_at - failed_at)::float as s
          from notification_deliveries where failed_at is not null`.execute(scene.db);
      return rows[0]?.s ?? 0;
    };
    await until('the wait', async () => (await wait()) > 0);
    expect(await wait()).toBeGreaterThan(3_590);
    expect(receiver.received).toHaveLength(1);
  });

  it('that is gone is sent nothing more, until somebody replays', async () => {
    receiver.answers.push(410);
    const { logged } = await start({ notify: [HOOK] });
    await raiseOne(scene, 'sweep.held', 'gone-1');
    await until('that it is gone', () => logged.some(({ event }) => event === 'delivery.gone'));
    await raiseOne(scene, 'sweep.held', 'gone-2');
    await until('a round', async () => {
      const { rows } = await sql`select from notification_deliveries`.execute(scene.db);
      return rows.length === 2;
    });
    expect(receiver.received).toHaveLength(1);
    await replaySink(scene.db, { sink: 'webhook', notification: null });
    await until('both', () => receiver.received.length === 3);
    expect(new Set(idsOf(receiver.received)).size).toBe(2);
  });

  it('hears everything once from two workers', async () => {
    await Promise.all([start({ notify: [HOOK] }), start({ notify: [HOOK] })]);
    for (let i = 0; i < 20; i++) await raiseOne(scene, 'sweep.held', `once-${i}`);
    await until('all', async () => {
      const { rows } = await sql`
        select from notification_deliveries where delivered_at is null`.execute(scene.db);
      return rows.length === 0;
    });
    expect(idsOf(receiver.received)).toHaveLength(20);
    expect(new Set(idsOf(receiver.received)).size).toBe(20);
  });
});

describe('a webhook for changes', () => {
  it('hears of each user in order, whatever fails in between, each change under one id', async () => {
    receiver.answers.push(204, 500, 204, 503, 'hang');
    await start({ targets: [HOOK] }, { timeoutMs: 300 });
    const users = await employ(scene, 3);
    await change(scene, users, 12);
    const numbers = () => receiver.received.map(({ body }) => JSON.parse(body).data);
    await until('the last', async () => {
      const { rows } = await sql`select from outbox_deliveries`.execute(scene.db);
      return receiver.received.length > 12 && rows.length === 0;
    });
    for (const user of users) {
      const heard = numbers().filter(
        ({ user: of, number }) => of.record === user && number !== undefined,
      );
      const unique = heard.map(({ number }) => number).filter((n, i, all) => n !== all[i - 1]);
      expect(unique).toEqual(unique.toSorted((a, b) => a - b));
      expect(unique).toHaveLength(4);
    }
    const bodies = new Map<unknown, Set<string>>();
    for (const { headers, body } of receiver.received) {
      const id = headers['webhook-id'];
      bodies.set(id, (bodies.get(id) ?? new Set()).add(body));
      verify(SECRET, { path: '', headers, body });
    }
    expect([...bodies.values()].every((one) => one.size === 1)).toBe(true);
    expect(receiver.received[0]?.body).not.toContain('attempt');
  });

  it('gets only the kinds that it asked for', async () => {
    await start({ targets: [{ ...HOOK, name: 'crm', on: ['user.created'] }] });
    const users = await employ(scene, 1);
    await change(scene, users, 3);
    await until('the end', async () => {
      const { rows } = await sql`select from outbox_deliveries`.execute(scene.db);
      return rows.length === 0;
    });
    expect(receiver.received.map(({ body }) => JSON.parse(body).type)).toEqual(['user.created']);
  });

  it('that is gone keeps its changes, and is told them when somebody replays', async () => {
    receiver.answers.push(410);
    const { logged } = await start({ targets: [{ ...HOOK, name: 'crm' }] });
    const users = await employ(scene, 1);
    await until('that it is gone', () => logged.some(({ event }) => event === 'delivery.gone'));
    await change(scene, users, 2);
    expect(receiver.received).toHaveLength(1);
    await replayDeliveries(scene.db, { target: 'webhook:crm', change: null });
    await until('all three', () => receiver.received.length === 4);
  });
});
