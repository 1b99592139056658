import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Journal } from '../../campaign/journal.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-journal-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (seed: string) => ({
  seed,
  violations: [],
  residues: [],
  counts: { 'fault error': 1 },
  sweeps: 3,
  took: 9,
  history: [],
});

test('a campaign that was broken off in the middle of a line goes on with all that was whole', async () => {
  const file = join(folder, 'runs', 'commit.jsonl');
  const first = await Journal.open(file);
  await first.add({ run: run('1') });
  await first.add({ found: { name: 'no_audit', seed: '2', promise: 'trail', what: 'nothing' } });
  await appendFile(file, '{"run":{"seed":"2","viol');
  const second = await Journal.open(file);
  expect([...second.runs.keys()]).toEqual(['1']);
  await second.add({ run: run('3') });
  const third = await Journal.open(file);
  expect([...third.runs.keys()]).toEqual(['1', '3']);
  expect(third.found.get('no_audit')?.seed).toBe('2');
});

test('nothing is kept where there is no file', async () => {
  const journal = await Journal.open(null);
  await journal.add({ run: run('1') });
  expect([...journal.runs.keys()]).toEqual(['1']);
});
