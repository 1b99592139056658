import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examineSinks } from '@rollcall/cli/doctor/sinks';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { openReceiver, type Receiver } from '../notify/receiver.ts';
import { configOf, newSecret, raiseOne, tell } from '../notify/scene.ts';
import { until } from '../outbox/changes.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

let scene: Scene;
let receiver: Receiver;
beforeAll(async () => {
  scene = await openScene();
  receiver = await openReceiver();
});
afterAll(async () => {
  await receiver.close();
  await scene.drop();
});

vi.setConfig({ testTimeout: 120_000 });

const secret = newSecret();
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
notify:
  - { type: webhook, name: good, url: env:GOOD, secret: env:SECRET }
  - { type: slack, name: bad, url: env:BAD }
  - { type: log, name: log, on: [users.spike] }
`,
  );
  return {
    cwd,
    env: {
      ACME_DATABASE: scene.url,
      ACME_KEY: 'k'.repeat(40),
      GOOD: `${receiver.url}/good`,
      BAD: 'http://127.0.0.1:1/s3cret',
      SECRET: secret,
    },
  };
}

it('tries each sink, says how each took it, and fails where one did not', async () => {
  const place = folder();
  const tried = await rollcall(['notify', 'test', '--event', 'users.spike'], place);
  expect(tried.code).toBe(1);
  expect(tried.stdout).toMatch(/^ok +good +webhook +taken$/m);
  expect(tried.stdout).toMatch(/^failed +bad +slack +127\.0\.0\.1:1: .*\(webhook\.unreachable\)$/m);
  expect(tried.stdout).toMatch(/^ok +log +log +taken$/m);
  expect(tried.stderr).toContain('"notification":"users.spike"');
  expect(`${tried.stdout}${tried.stderr}`).not.toContain('s3cret');
  expect(receiver.received.map(({ body }) => JSON.parse(body))).toMatchObject([
    { type: 'users.spike', data: { test: true, facts: { created: 84 } } },
  ]);
  const { rows } = await sql`select from notifications`.execute(scene.db);
  expect(rows).toEqual([]);
  const typo = await rollcall(['notify', 'test', '--event', 'sweep.hold'], place);
  expect(typo).toMatchObject({ code: 1, stderr: expect.stringContaining('sweep.held') });
});

it('lists what was told, names a broken sink, and has it tried again', async () => {
  const place = folder();
  const none = await rollcall(['notify', 'list'], place);
  expect(none).toMatchObject({ code: 0, stdout: 'No notifications.\n' });
  const good = { type: 'webhook', name: 'good', url: 'env:GOOD', secret: 'env:SECRET' } as const;
  const bad = { ...good, name: 'bad', url: 'env:BAD' } as const;
  const telling = await tell(scene, { notify: [good, bad] }, place.env, { attempts: 2 });
  await raiseOne(scene, 'sweep.held', 'listed');
  await until('the end of it', async () => {
    const { rows } = await sql`
      select from notification_deliveries where delivered_at is null and parked_at is null`.execute(
      scene.db,
    );
    return rows.length === 0;
  });
  await telling.stop();
  const shown = await rollcall(['notify', 'list', '--connection', 'acme'], place);
  expect(shown.stdout).toMatch(
    /sweep\.held +acme +listed +bad parked after 2: 127\.0\.0\.1:1: expected an answer.* · good$/m,
  );
  const { answer } = await rollcallJson(['notify', 'list', '--event', 'sweep.held'], place);
  expect(answer).toMatchObject([
    {
      event: 'sweep.held',
      facts: { waiting: 214 },
      deliveries: [
        { sink: 'bad', state: 'parked', attempts: 2, delivered_at: null },
        { sink: 'good', state: 'delivered', attempts: 1 },
      ],
    },
  ]);
  const patient = { config: configOf({ notify: [good, bad] }), clock: currentTime };
  expect(await examineSinks(scene.db, patient)).toMatchObject([
    {
      check: 'notify',
      verdict: 'fault',
      code: 'doctor.not_told',
      message: expect.stringContaining('notify:bad has not taken 1, 1 of them given up'),
    },
    { check: 'notify', verdict: 'ok' },
  ]);
  await sql`insert into watch (last_at) values (now() - interval '10 minutes')`.execute(scene.db);
  expect(await examineSinks(scene.db, patient)).toMatchObject([
    { check: 'worker', verdict: 'fault', code: 'doctor.no_worker' },
    {},
    {},
  ]);
  const listed = await rollcall(['targets', 'list'], place);
  expect(listed.stdout).toMatch(/^notify:bad .* 1 +1 /m);
  const replayed = await rollcallJson(['targets', 'replay', 'notify:bad'], place);
  expect(replayed).toEqual({ code: 0, answer: { target: 'notify:bad', replayed: 1 } });
});
