import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import { type JobQueue, openQueues } from '@rollcall/shared/queue/queues';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { until } from '../../support/service.ts';
import { openScene, type Scene } from '../access/people.ts';
import { foundationOver } from '../sweeper/job-house.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

vi.setConfig({ testTimeout: 120_000 });

let scene: Scene;
let foundation: Foundation;
let queue: JobQueue;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(async () => {
  await queue?.close();
  await foundation?.close();
  await scene.drop();
});

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
`,
  );
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

/** Lets jobs fail for good, whatever they are. */
async function failAll(count: number): Promise<void> {
  const queues = await openQueues(foundation);
  const worker = queues.worker(
    'sweeps',
    async () => ({ kind: 'dead', why: 'the secret is\u001b[2J gone' }),
    { concurrency: 1, onError: () => undefined },
  );
  await until('the dead letters', 10_000, async () => (await queue.counts()).dead === count);
  await worker.close();
}

it('shows what failed for good, has it tried again, and drops it', async () => {
  const place = folder();
  const none = await rollcall(['jobs', 'list'], place);
  expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('0 failed for good') });

  foundation = await foundationOver(scene.url);
  queue = (await openQueues(foundation)).queue('sweeps');
  await queue.schedule({ id: 'sweep-acme', everyMs: 900_000, offsetMs: 5 }, 'sweep', {});
  for (const connectionId of ['acme', 'globex']) {
    await queue.add('sweep', { connectionId, trigger: 'schedule' });
  }
  await failAll(2);
  const shown = await rollcall(['jobs', 'list'], place);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toContain('1 to come, 2 failed for good');
  expect(shown.stdout).toMatch(/^acme +15 min +\d/m);
  expect(shown.stdout).toMatch(/^\S+ +globex +\S+ +1 +the secret is/m);
  expect(shown.stdout).not.toContain('\u001b');

  const doctor = await rollcall(['doctor'], place);
  expect(doctor.stdout).toContain('2 jobs have failed for good: globex (the secret is');
  expect(doctor.stdout).not.toContain('\u001b');

  const { answer } = await rollcallJson(['jobs', 'list'], place);
  const { dead, schedules } = answer as { dead: { job: string }[]; schedules: object[] };
  expect(schedules).toMatchObject([{ connection: 'acme', every_ms: 900_000 }]);
  expect(dead).toMatchObject([{ connection: 'globex' }, { connection: 'acme', attempts: 1 }]);
  const [newest, older] = dead;
  const retried = await rollcallJson(['jobs', 'retry', newest?.job ?? ''], place);
  expect(retried).toEqual({ code: 0, answer: { retried: 1 } });
  expect(await queue.counts()).toMatchObject({ waiting: 1, dead: 1 });
  const dropped = await rollcallJson(['jobs', 'drop', older?.job ?? ''], place);
  expect(dropped).toEqual({ code: 0, answer: { dropped: older?.job } });
  const gone = await rollcall(['jobs', 'drop', older?.job ?? ''], place);
  expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining('(job.not_dead)') });
});
