import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  admit,
  assertion,
  openScene,
  run,
  type Scene,
  START,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

const GLOBEX = toConnectionId('globex');

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await registerConnection(scene.db, GLOBEX, 'https://idp.globex.example', START);
});
afterAll(() => scene.drop());

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { idle: 30d, max: 30d, keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
roles:
  - { role: admin, privileged: true, when: { any_group: [admins] }, from: [acme] }
`,
  );
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

const now = () => Math.floor((Date.now() - START) / 1000);
const why = ['--reason', 'case 4711', '--by', 'oda'];

vi.setConfig({ testTimeout: 120_000 });

describe('users deactivate and reactivate', () => {
  it('ends access until an administrator gives it back, and says what was done', async () => {
    const place = folder();
    const { user } = await admit(scene, 'eva', ['analyst'], now() - 10);
    expect(await rollcall(['users', 'deactivate', 'eva'], place)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Required option '--reason <text>'"),
    });
    const gone = await rollcall(['users', 'deactivate', 'eva@acme.example', ...why], place);
    expect(gone).toEqual({
      code: 0,
      stderr: '',
      stdout: 'acme:eva is deactivated; 1 session has ended.\n',
    });
    const again = await rollcallJson(['users', 'deactivate', user.id, ...why], place);
    expect(again).toEqual({
      code: 0,
      answer: {
        records: [
          {
            id: user.id,
            user: 'acme:eva',
            changed: false,
            state: 'deactivated',
            cause: 'admin',
            sessions_ended: 0,
          },
        ],
      },
    });
    const refused = await run(
      scene,
      signInOf('eva', ['analyst'], now() + 5),
      assertion(),
      now() + 5,
    );
    expect(refused).toMatchObject({ code: 'deactivated' });
    const shown = await rollcall(['users', 'show', 'acme:eva'], place);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^eva@acme\.example {2}deactivated {2}via acme$/m);
    expect(shown.stdout).toMatch(
      /^ {2}state +deactivated by admin since .*: by an administrator$/m,
    );
    expect(shown.stdout).toMatch(/^ {2}roles +analyst$/m);
    const back = await rollcall(['users', 'reactivate', 'eva', ...why], place);
    expect(back).toMatchObject({ code: 0, stdout: 'acme:eva has access again: analyst.\n' });
    const { rows } = await scene.pool.query(
      "select kind, actor, evidence from audit_events where user_id = $1 and kind in ('user.deactivated', 'user.restored') order by id",
      [user.id],
    );
    expect(rows).toMatchObject([
      {
        kind: 'user.deactivated',
        actor: { kind: 'operator', name: 'oda' },
        evidence: { because: 'case 4711', sessionsEnded: 1 },
      },
      { kind: 'user.restored', evidence: { because: 'case 4711' } },
    ]);
  });

  it('does not give back what the sweep took, nor take the last admin, nor know nobody', async () => {
    const place = folder();
    const { user } = await admit(scene, 'leo', ['analyst'], now() - 10);
    await run(scene, step('deactivate', user.id), SWEEP, now());
    const other = await rollcallJson(['users', 'reactivate', 'leo', ...why], place);
    expect(other).toMatchObject({
      code: 1,
      answer: { error: { code: 'user.other_cause', detail: { user: 'acme:leo', cause: 'sweep' } } },
    });
    await admit(scene, 'root', ['admin'], now() - 10);
    const last = await rollcall(['users', 'deactivate', 'root', ...why], place);
    expect(last).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('(user.last_admin)'),
    });
    const nobody = await rollcall(['users', 'deactivate', 'who', ...why], place);
    expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('(user.unknown)') });
  });
});

describe('users protect', () => {
  it('protects, and no longer', async () => {
    const place = folder();
    const { user } = await admit(scene, 'pia', ['analyst'], now() - 10);
    const on = await rollcallJson(['users', 'protect', 'pia', '--reason', 'break-glass'], place);
    expect(on).toMatchObject({
      code: 0,
      answer: {
        records: [{ id: user.id, changed: true, protected: true, protected_by_admin: true }],
      },
    });
    const off = await rollcall(['users', 'protect', 'pia', '--off'], place);
    expect(off).toEqual({ code: 0, stderr: '', stdout: 'acme:pia is not protected.\n' });
  });
});

describe('users join and separate', () => {
  it('makes one person of two records, and two again', async () => {
    const place = folder();
    const one = await admit(scene, 'ida', ['analyst'], now() - 10);
    const two = await admit(scene, 'ida-2', ['editor'], now() - 10, { connectionId: GLOBEX });
    const joined = await rollcall(['users', 'join', 'acme:ida', 'globex:ida-2', ...why], place);
    expect(joined).toEqual({
      code: 0,
      stderr: '',
      stdout: `globex:ida-2 is of person ${one.user.id}; 2 sessions have ended.\n`,
    });
    const { answer } = await rollcallJson(['users', 'show', 'ida'], place);
    expect(answer).toMatchObject({
      id: one.user.id,
      person: one.user.id,
      roles: ['analyst'],
      joined: [{ id: two.user.id, connection: 'globex', roles: ['editor'], live_sessions: 0 }],
    });
    const shown = await rollcall(['users', 'show', 'ida'], place);
    expect(shown.stdout).toMatch(/Joined with, as person .*\n {2}globex:ida-2 +active +editor/);
    const inNow = now();
    await admit(scene, 'ida', ['analyst'], inNow);
    await admit(scene, 'ida-2', ['editor'], inNow, { connectionId: GLOBEX });
    const revoked = await rollcallJson(['sessions', 'revoke', '--user', 'acme:ida'], place);
    expect(revoked).toEqual({ code: 0, answer: { sessions: 2, users: 2 } });
    const itself = await rollcall(['users', 'join', 'acme:ida', one.user.id, ...why], place);
    expect(itself).toMatchObject({ code: 1, stderr: expect.stringContaining('(user.same_user)') });
    const gone = await rollcall(['users', 'deactivate', 'acme:ida', ...why], place);
    expect(gone.stdout.split('\n').filter((line) => line.includes('is deactivated'))).toHaveLength(
      2,
    );
    const apart = await rollcallJson(['users', 'separate', 'globex:ida-2', ...why], place);
    expect(apart).toEqual({
      code: 0,
      answer: { id: two.user.id, person: null, changed: true, sessions_ended: 0 },
    });
  });
});
