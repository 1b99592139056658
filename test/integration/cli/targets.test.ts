import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openScene, type Scene } from '../access/people.ts';
import { change, employ, listen, until, waiting } from '../outbox/changes.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

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

vi.setConfig({ testTimeout: 120_000 });

it('shows what a handler did not take, has it tried again, and drops it', async () => {
  const place = folder();
  const none = await rollcall(['targets', 'list'], place);
  expect(none).toMatchObject({ code: 0, stdout: expect.stringContaining('No targets') });

  const users = await employ(scene, 1);
  const { relay } = await listen(scene, 'handler:crm', { attempts: 1 }, () => {
    throw new Error('the CRM is\u001b[2J closed');
  });
  await change(scene, users, 2);
  const parked = async () => {
    const { rows } = await scene.pool.query(
      'select outbox_id from outbox_deliveries where parked_at is not null',
    );
    return rows[0]?.outbox_id as string | undefined;
  };
  await until('the parking', async () => (await parked()) !== undefined);
  await relay.stop();
  const id = (await parked()) ?? '';

  const shown = await rollcall(['targets', 'list'], place);
  expect(shown).toMatchObject({ code: 0, stderr: '' });
  expect(shown.stdout).toMatch(/^handler:crm .* 2 +1 /m);
  expect(shown.stdout).toMatch(
    new RegExp(`^${id} +handler:crm +user\\.changed .* 1 +1 +parked +the CRM is`, 'm'),
  );
  expect(shown.stdout).not.toContain('\u001b');
  const { answer } = await rollcallJson(['targets', 'list'], place);
  expect(answer).toMatchObject({
    targets: [{ name: 'handler:crm', waiting: 2, parked: 1 }],
    failed: [{ change: id, attempts: 1, behind: 1, parked_at: expect.any(String) }],
  });

  const replayed = await rollcallJson(['targets', 'replay', 'handler:crm', id], place);
  expect(replayed).toEqual({ code: 0, answer: { target: 'handler:crm', replayed: 1 } });
  const early = await rollcall(['targets', 'skip', 'handler:crm', id], place);
  expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('(target.not_waiting)') });
  const whole = await listen(scene, 'handler:crm');
  await until('both', () => whole.heard.length === 2);
  await whole.relay.stop();
  expect(await waiting(scene, 'handler:crm')).toBe(0);

  const unknown = await rollcall(['targets', 'replay', 'handler:erp'], place);
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('(target.unknown)') });
  const bad = await rollcall(['targets', 'skip', 'handler:crm', 'x'], place);
  expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('(cli.usage)') });
});
