import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Change } from '@rollcall/shared/outbox/change';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { change, employ, numberOf, outOfOrder, until, waiting } from './changes.ts';

const RELAY = fileURLToPath(new URL('relay-process.ts', import.meta.url));
const children = new Set<ChildProcess>();

let scene: Scene;
let folder: string;
beforeEach(async () => {
  scene = await openScene();
  folder = mkdtempSync(join(tmpdir(), 'rollcall-relay-'));
});
afterEach(async () => {
  for (const child of children) await kill(child);
  rmSync(folder, { recursive: true, force: true });
  await scene.drop();
});

async function startProcess(file: string): Promise<ChildProcess> {
  const args = ['--conditions=source', RELAY, scene.url, file, '5'];
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

function read(file: string): Change[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Change);
}

it('loses nothing and keeps the order when instances are killed between the handler and the mark', async () => {
  const users = await employ(scene, 20);
  const files = ['one', 'two'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, '');
  const [one = '', two = ''] = files;
  const first = await startProcess(one);
  const second = await startProcess(two);
  await change(scene, users, 600);
  await until('both at work', () => read(one).length > 20 && read(two).length > 20);
  await kill(first);
  await until('the other one alone', () => read(two).length > 150);
  await kill(second);
  expect(await waiting(scene, 'crm')).toBeGreaterThan(0);
  await startProcess(two);
  await until('the end', async () => (await waiting(scene, 'crm')) === 0);

  const heard = [...read(one), ...read(two)];
  const numbers = new Set(heard.map(numberOf));
  expect(numbers.size).toBe(600);
  // What was in hand at the two kills came twice, marked as a second attempt, under its id.
  const again = heard.filter(({ attempt }) => attempt > 1);
  expect(again.length).toBeGreaterThan(0);
  expect(again.length).toBeLessThanOrEqual(16);
  expect(new Set(heard.map(({ id }) => id)).size).toBe(600);
  const wrong = [...outOfOrder(read(one)), ...outOfOrder(read(two))];
  expect(wrong).toEqual([]);
});
