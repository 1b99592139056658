import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { previewAgainstUsers } from '@rollcall/cli/queries/against-users';
import { parseConfig } from '@rollcall/shared/config/load';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { admit, openScene, run, type Scene, SWEEP, step } from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

const HEAD = `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - id: acme
    idp: { metadata_url: http://127.0.0.1:9/metadata }
    subject: { attribute: uid }
    attributes: { groups: [groups] }
`;
const OLD = `${HEAD}roles:
  - { role: analyst, when: { any_group: [analysts] } }
  - { role: editor, when: { any_group: [editors] } }
`;
const NEW = `${HEAD}roles:
  - { role: analyst, when: { any_group: [analysts-eu] } }
  - { role: editor, when: { any_group: [editors] } }
  - { role: admin, privileged: true, when: { any_group: [editors] }, from: [acme] }
`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await admit(scene, 'only-analyst', ['analyst'], 0);
  await admit(scene, 'both', ['analyst', 'editor'], 0);
  await admit(scene, 'nobody-knows', ['analyst'], 0);
  await scene.pool.query(`update users set groups = null where subject = 'nobody-knows'`);
  const { user } = await admit(scene, 'gone', ['analyst'], 0);
  await run(scene, step('deactivate', user.id), SWEEP, 60);
});
afterAll(() => scene.drop());
vi.setConfig({ testTimeout: 120_000 });

function folder() {
  const cwd = makeFolder();
  writeFileSync(join(cwd, 'rollcall.yaml'), OLD);
  writeFileSync(join(cwd, 'new.yaml'), NEW);
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

describe('check --against-users', () => {
  it('says that nothing would change', async () => {
    const same = await rollcall(['check', '--against-users'], folder());
    expect(same).toMatchObject({ code: 0, stderr: '' });
    expect(same.stdout).toContain('3 users with access, compared with what they hold');
    expect(same.stdout).toContain('nothing would change');
    expect(same.stdout).toContain('1 have groups that are not known: nothing changes for them');
  });

  it.each([
    ['what they hold', []],
    ['rollcall.yaml', ['--from', 'rollcall.yaml']],
  ])(
    'shows counts, then who gains what is privileged, then who loses all: %s',
    async (compared, more) => {
      const place = folder();
      const from = more.map((one) => (one.endsWith('.yaml') ? join(place.cwd, one) : one));
      const args = ['check', '--config', 'new.yaml', '--against-users', ...from];
      const { code, answer } = await rollcallJson(args, place);
      expect(code).toBe(2);
      expect(answer).toMatchObject({
        compared_with: expect.stringContaining(compared),
        users: 3,
        changed: 2,
        gaining_privileged: 1,
        losing_last: 1,
        losing: 2,
        gaining: 1,
        groups_unknown: 1,
        unconfigured: 0,
        roles: [
          { role: 'admin', privileged: true, before: 0, after: 1 },
          { role: 'analyst', privileged: false, before: 3, after: 1 },
          { role: 'editor', before: 1, after: 1 },
        ],
        changes: [
          { user: 'acme:both', gain: ['admin'], lose: ['analyst'], privileged: ['admin'] },
          { user: 'acme:only-analyst', gain: [], lose: ['analyst'], no_role_left: true },
        ],
        truncated: false,
      });
      const shown = await rollcall([...args, '--limit', '1'], place);
      expect(shown.stdout).toMatch(
        /both@acme\.example +-analyst \+admin +gains the privileged admin/,
      );
      expect(shown.stdout).toContain('… and 1 more');
      expect(shown.stdout).not.toContain('only-analyst@');
    },
  );

  it('writes nothing', async () => {
    const dump = async () =>
      (
        await scene.pool.query(
          `select (select json_agg(u order by id) from users u) u,
             (select json_agg(g order by user_id, role) from grants g) g,
             (select count(*) from audit_events) a, (select count(*) from outbox) o`,
        )
      ).rows;
    const before = await dump();
    await rollcall(['check', '--config', 'new.yaml', '--against-users'], folder());
    expect(await dump()).toEqual(before);
  });

  it('reads page by page: 10,000 people, and keeps only the first changes', async () => {
    const many = `insert into users (id, connection_id, subject, owner, state, state_reason,
        state_changed_at, attributes, created_at, groups, groups_seen_at)
      select gen_random_uuid(), 'acme', 'many-' || n, 'roll', 'active', 'signed_in', now(), '{}',
        now(), array['analysts'], now() from generate_series(1, 10000) n`;
    await scene.pool.query(many);
    const origin = { file: `${randomUUID()}.yaml`, env: {}, baseDir: '/' };
    const report = await previewAgainstUsers(scene.db, parseConfig(OLD, origin), null, 10);
    expect(report).toMatchObject({ users: 10_003, changed: 10_000, gaining: 10_000, losing: 0 });
    expect(report.changes).toHaveLength(10);
  });
});
