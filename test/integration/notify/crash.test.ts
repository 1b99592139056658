import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { change, employ, until } from '../outbox/changes.ts';
import { openReceiver, type Receiver } from './receiver.ts';
import { newSecret, raiseOne } from './scene.ts';

const TELLING = fileURLToPath(new URL('telling-process.ts', import.meta.url));
const SECRET = newSecret();
const children = new Set<ChildProcess>();
let scene: Scene;
let receiver: Receiver;
beforeEach(async () => {
  scene = await openScene();
  receiver = await openReceiver();
});
afterEach(async () => {
  for (const child of children) await kill(child);
  await receiver.close();
  await scene.drop();
});

async function startProcess(): Promise<ChildProcess> {
  const args = ['--conditions=source', TELLING, scene.url, `${receiver.url}/hook`, SECRET];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

/** SIGKILL: no handler runs, nothing is closed. */
async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

it('loses nothing when a worker is killed between what it sent and the mark: it comes again, under its id', async () => {
  const first = await startProcess();
  // What has arrived is not answered: the worker dies not knowing that it was taken.
  receiver.onRequest = () => kill(first);
  await raiseOne(scene, 'sweep.held', 'killed');
  const users = await employ(scene, 3);
  await change(scene, users, 9);
  await until('the end of the first', () => children.size === 0);
  receiver.onRequest = () => undefined;
  const before = receiver.received.length;
  expect(before).toBeGreaterThan(0);

  await startProcess();
  await until('everything', async () => {
    const { rows } = await sql`
      select from outbox_deliveries union all
      select from notification_deliveries where delivered_at is null`.execute(scene.db);
    return rows.length === 0;
  });
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  // 3 hirings, 9 changes, 1 notification.
  expect(new Set(ids).size).toBe(13);
  for (const id of ids.slice(0, before)) expect(ids.slice(before)).toContain(id);
  for (const user of users) {
    const numbers = receiver.received
      .map(({ body }) => JSON.parse(body).data)
      .filter(({ user: of, number }) => of?.record === user && number !== undefined)
      .map(({ number }) => number as number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});
