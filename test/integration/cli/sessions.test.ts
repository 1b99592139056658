import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { admit, openScene, run, type Scene, START, SWEEP, step } from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

const CONFIGURATION = `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - id: acme
    idp: { metadata_url: http://127.0.0.1:9/metadata }
    subject: { attribute: uid }
    attributes: { groups: [groups] }
roles:
  - { role: analyst, when: { any_group: [analysts] } }
`;

vi.setConfig({ testTimeout: 120_000 });

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await registerConnection(scene.db, toConnectionId('gone'), 'https://gone.example', START);
});
afterAll(() => scene.drop());

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  writeFileSync(join(cwd, 'rollcall.yaml'), CONFIGURATION);
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

function now(): number {
  return Math.floor((Date.now() - START) / 1000);
}

interface Listed {
  readonly sessions: readonly { id: string; live: boolean; why: string | null; reason: string }[];
  readonly next: string | null;
}

async function list(...args: string[]): Promise<Listed> {
  const { answer } = await rollcallJson(['sessions', 'list', ...args], folder());
  return answer as Listed;
}

it('lists who is signed in, page by page, and with --all who was and why not any more', async () => {
  const place = folder();
  expect((await rollcall(['sessions', 'list'], place)).stdout).toContain('No live sessions.');
  expect((await rollcall(['sessions', 'list', '--all'], place)).stdout).toContain('No sessions.');

  const lia = await admit(scene, 'lia', ['analyst'], now() - 30);
  const max = await admit(scene, 'max', ['analyst'], now() - 20);
  const old = await admit(scene, 'old', ['analyst'], now() - 9 * 3600);
  const out = await admit(scene, 'out', ['analyst'], now() - 10);
  await run(scene, step('deactivate', out.user.id), SWEEP, now());
  const gone = await admit(scene, 'zoe', ['analyst'], now() - 5, {
    connectionId: toConnectionId('gone'),
  });

  const first = await list('--limit', '1');
  expect(first.sessions.map(({ id }) => id)).toEqual([max.session.id]);
  const second = await list('--limit', '1', '--after', first.next ?? '');
  expect(second).toMatchObject({ sessions: [{ id: lia.session.id, live: true }], next: null });

  const all = await list('--all');
  const why = Object.fromEntries(all.sessions.map((one) => [one.id, [one.why, one.reason]]));
  expect(why).toEqual({
    [lia.session.id]: [null, null],
    [max.session.id]: [null, null],
    [old.session.id]: ['expired', null],
    [out.session.id]: ['deactivated', 'absent'],
    [gone.session.id]: ['ended', 'connection_removed'],
  });
  expect((await list('--user', 'lia@acme.example', '--all')).sessions).toHaveLength(1);
  expect((await list('--connection', 'gone')).sessions).toHaveLength(0);
  const shown = await rollcall(['sessions', 'list', '--all'], place);
  expect(shown.stdout).toMatch(/^lia@acme\.example +acme +.*live +[0-9a-f-]{36}$/m);
  expect(shown.stdout).toMatch(
    /^zoe@acme\.example +gone .*ended: the connection was taken out of the configuration/m,
  );
});

it('ends one, those of a user, those by a connection; audited with who and why', async () => {
  const place = folder();
  const ada = [await admit(scene, 'ada', ['analyst'], now() - 3)];
  ada.push(await admit(scene, 'ada', ['analyst'], now() - 2));
  await admit(scene, 'bob', ['analyst'], now() - 1);

  const one = ['--session', ada[0]?.session.id ?? '', '--by', 'oda', '--reason', 'a lost phone'];
  const single = await rollcall(['sessions', 'revoke', ...one], place);
  expect(single).toMatchObject({ code: 0, stdout: '1 session of 1 user ended.\n', stderr: '' });
  const again = await rollcall(['sessions', 'revoke', ...one], place);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('session.unknown') });

  const user = ['--user', 'acme:ada', '--reason', 'a lost laptop'];
  const { answer } = await rollcallJson(['sessions', 'revoke', ...user], place);
  expect(answer).toEqual({ sessions: 1, users: 1 });
  expect((await list('--user', 'acme:ada')).sessions).toEqual([]);

  const all = await rollcall(['sessions', 'revoke', '--connection', 'acme'], place);
  expect(all.stdout).toMatch(/^\d+ sessions of \d+ users ended\.\n$/);
  expect((await list()).sessions).toEqual([]);
  const none = await rollcall(['sessions', 'revoke', '--connection', 'acme'], place);
  expect(none.stdout).toContain('No session was live.');

  const { rows } = await scene.pool.query(
    "select kind, actor, evidence from audit_events where reason = 'by_admin' order by id limit 2",
  );
  expect(rows).toEqual([
    {
      kind: 'session.ended',
      actor: { kind: 'operator', name: 'oda' },
      evidence: { because: 'a lost phone', sessionId: ada[0]?.session.id },
    },
    {
      kind: 'sessions.revoked',
      actor: expect.objectContaining({ kind: 'operator' }),
      evidence: { because: 'a lost laptop', sessionIds: [ada[1]?.session.id] },
    },
  ]);
});

it.each<[string, string[], string]>([
  ['nothing said', [], 'Say whose sessions end'],
  ['two at once', ['--user', 'ada', '--connection', 'acme'], 'cannot be used with'],
  ['nobody', ['--user', 'who@acme.example'], 'user.unknown'],
  ['no such session', ['--session', randomUUID()], 'session.unknown'],
  ['no id', ['--session', 'x'], 'the id of a session'],
  ['no such connection', ['--connection', 'nobody'], 'connection.unknown'],
])('revokes nothing: %s', async (_what, args, said) => {
  const done = await rollcall(['sessions', 'revoke', ...args], folder());
  expect(done.code).toBe(1);
  expect(done.stderr).toContain(said);
});
