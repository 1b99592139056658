import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { retireUsers } from '@rollcall/shared/access/retire';
import { inTransaction } from '@rollcall/shared/db/database';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { admit, at, OPERATOR, openScene, run, type Scene, step } from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

vi.setConfig({ testTimeout: 120_000 });

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

it('plans, shows and purges, and says what goes and what stays', async () => {
  const cwd = makeFolder();
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
roles: [{ role: analyst, when: { any_group: [analysts] } }]
`,
  );
  const place = { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
  expect(await rollcall(['users', 'purge', 'plan'], place)).toEqual({
    code: 0,
    stdout: 'Nobody is purge-eligible.\n',
    stderr: '',
  });
  const { user } = await admit(scene, 'eva', ['analyst'], 0);
  await run(scene, step('deactivate', user.id, { reason: 'by_admin' }), OPERATOR, 60);
  await inTransaction(scene.db, (tx) =>
    retireUsers(tx, { endedBy: at(60), limit: 10 }, { kind: 'retention' }, at(90)),
  );

  const planned = await rollcall(['users', 'purge', 'plan', '--user', 'eva', '--by', 'oda'], place);
  const [, name = ''] = /Purge plan ([0-9a-f]{12}): 1 to purge/.exec(planned.stdout) ?? [];
  expect(planned).toMatchObject({ code: 2, stderr: '' });
  expect(planned.stdout).toContain(
    '-  eva@acme.example  acme  no access since 1 Jan 00:01, by admin',
  );
  expect(planned.stdout).toContain(`rollcall users purge apply ${name} --reason "…"`);
  expect(planned.stdout).toMatch(/^Goes {3}names, e-mail/);

  const apply = ['users', 'purge', 'apply', name];
  expect((await rollcall(apply, place)).stderr).toContain("'--reason <text>'");
  expect(await rollcallJson([...apply, '--reason', 'case 1'], place)).toMatchObject({
    code: 0,
    answer: { lines: 1, purged: 1, skipped: 0 },
  });
  const shown = await rollcall(['users', 'purge', 'show', name], place);
  expect(shown.stdout).not.toContain('eva');
  expect(shown.stdout).toContain(`purged ${user.id}`);
  expect(shown.stdout).toContain(`Purge plan ${name}: 1 purged`);
  expect(
    (await rollcall(['users', 'reactivate', user.id, '--reason', 'x'], place)).stderr,
  ).toContain('(user.purged)');
  const lift = ['users', 'purge', 'lift', 'acme:eva', '--reason', 'hired again'];
  expect((await rollcall(lift, place)).stdout).toBe('acme:eva may come in as somebody new.\n');
  expect((await rollcall(lift, place)).stderr).toContain('(purge.nobody)');
});
