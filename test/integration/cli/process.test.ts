import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { admit, openScene, run, type Scene, START, SWEEP, step } from '../access/people.ts';
import { makeFolder, rollcall, rollcallProcess } from './rollcall.ts';

// A process for each command: a start takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const now = Math.floor((Date.now() - START) / 1000);
  await admit(scene, 'ada', ['analyst'], now - 30, { groups: ['analysts', 'Everyone'] });
  const { user } = await admit(scene, 'eve', ['analyst'], now - 60);
  await run(scene, step('deactivate', user.id), SWEEP, now);
});
afterAll(() => scene.drop());

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  const text = `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid }, attributes: { groups: [groups] } }
roles: [{ role: analyst, when: { any_group: [staff] } }]
`;
  writeFileSync(join(cwd, 'rollcall.yaml'), text);
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

/** One command of each family, every kind of ending among them. */
it.each([
  [0, ['users', 'list']],
  [0, ['explain', 'acme:ada']],
  [1, ['can', 'acme:eve', 'analyst']],
  [0, ['sessions', 'list', '--all', '--json']],
  [0, ['sweep', 'history']],
  [1, ['sweep', 'show', '0123456789ab']],
  [1, ['sweep', 'plan', 'acmee', '--json']],
  [0, ['jobs', 'list']],
  [0, ['scim', 'token', 'list']],
  [0, ['targets', 'list']],
  [0, ['notify', 'list']],
  [0, ['connection', 'list']],
  [2, ['check', '--against-users']],
  [0, ['sweep', '--help']],
  [1, ['sweeep']],
] as const)('a process ends with %i and says what is said within one: %j', async (code, args) => {
  const place = folder();
  const [within, alone] = [await rollcall(args, place), await rollcallProcess(args, place)];
  expect(alone).toEqual(within);
  expect(alone.code).toBe(code);
  expect(alone.stdout + alone.stderr).not.toBe('');
});
