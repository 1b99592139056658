import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apply } from '@rollcall/shared/access/apply';
import { inTransaction } from '@rollcall/shared/db/database';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';
import { at, signInOf } from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid }, provisioning: both }
  - { id: jit, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
`,
  );
  return { cwd, env: { ACME_DATABASE: scene.fresh.url, ACME_KEY: 'k'.repeat(40) } };
}

vi.setConfig({ testTimeout: 120_000 });

const isGood = async (secret: string) =>
  (await scene.client(secret).get('/Users?count=0')).status === 200;

it('makes a token, shows it once, lists, rotates and revokes it', async () => {
  const place = folder();
  const made = await rollcall(
    ['scim', 'token', 'create', 'acme', '--name', 'okta', '--by', 'oda'],
    place,
  );
  expect(made.code).toBe(0);
  const secret = made.stdout.trim();
  expect(secret).toMatch(/^rollcall_scim_[\w-]{43}$/);
  expect(made.stderr).toMatch(/^Token okta of acme, good until .*not shown again/);
  expect(await isGood(secret)).toBe(true);
  const { rows } = await scene.fresh.pool.query('select * from scim_tokens');
  expect(JSON.stringify(rows)).not.toContain(secret);

  const again = await rollcallJson(['scim', 'token', 'create', 'acme', '--name', 'okta'], place);
  expect(again).toMatchObject({ code: 1, answer: { error: { code: 'scim.token_name_taken' } } });
  const useless = await rollcallJson(['scim', 'token', 'create', 'jit', '--name', 'okta'], place);
  expect(useless).toMatchObject({ code: 1, answer: { error: { code: 'scim.not_provisioned' } } });

  const { answer: rotated } = await rollcallJson(
    ['scim', 'token', 'rotate', 'acme', 'okta', '--overlap', '1h', '--expires', 'never'],
    place,
  );
  const next = (rotated as { secret: string }).secret;
  expect(rotated).toMatchObject({
    connection: 'acme',
    name: 'okta',
    expires_at: null,
    networks: [],
  });
  expect([await isGood(secret), await isGood(next)]).toEqual([true, true]);

  const listed = await rollcall(['scim', 'token', 'list', 'acme'], place);
  expect(listed.stdout).toMatch(/^acme +okta +current .* never /m);
  expect(listed.stdout).toMatch(/^acme +okta +rotated out /m);
  expect(listed.stdout).not.toContain('rollcall_scim_');

  const revoked = await rollcall(['scim', 'token', 'revoke', 'acme', 'okta'], place);
  expect(revoked).toMatchObject({ code: 0, stdout: 'Token okta of acme is revoked.\n' });
  expect([await isGood(secret), await isGood(next)]).toEqual([false, false]);
  const trail = await scene.fresh.pool.query(
    "select kind, actor ->> 'name' as by from audit_events where kind like 'scim_token.%' order by id",
  );
  expect(trail.rows.map(({ kind }) => kind)).toEqual([
    'scim_token.created',
    'scim_token.rotated',
    'scim_token.revoked',
    'scim_token.revoked',
  ]);
  expect(trail.rows[0].by).toBe('oda');
});

it('shows whom it would hand over, hands them over, and back', async () => {
  const place = folder();
  const actor = { kind: 'assertion' as const, connection: 'acme', assertionId: 'a' };
  const signedIn = await inTransaction(scene.db, (tx) =>
    apply(tx, signInOf('grace', ['analyst'], 1), actor, at(1)),
  );
  const id = signedIn.kind === 'applied' ? signedIn.user.id : '';
  const to = ['users', 'hand-over', '--connection', 'acme', '--to'];

  const preview = await rollcall([...to, 'scim'], place);
  expect(preview).toMatchObject({
    code: 2,
    stdout: expect.stringMatching(/^1 person would be .*\n[\s\S]*acme:grace +roll +active/),
  });
  expect((await scene.acme.get(`/Users/${id}`)).status).toBe(404);

  const done = await rollcallJson([...to, 'scim', '--apply', '--reason', 'Okta pushes now'], place);
  expect(done).toMatchObject({ code: 0, answer: { to: 'scim', handed_over: 1, refused: 0 } });
  const found = await scene.acme.get('/Users?filter=userName eq "GRACE@acme.example"');
  expect(found.body.Resources).toMatchObject([
    { id, externalId: 'grace', active: true, name: { givenName: 'grace', familyName: 'Test' } },
  ]);
  const sessions = await scene.fresh.pool.query(
    'select 1 from sessions where user_id = $1 and ended_at is null',
    [id],
  );
  expect(sessions.rows).toHaveLength(1);

  await scene.acme.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value: false }]);
  const back = await rollcallJson([...to, 'jit', '--apply', '--reason', 'pilot ended'], place);
  expect(back).toMatchObject({ code: 0, answer: { to: 'jit', handed_over: 1 } });
  const { rows } = await scene.fresh.pool.query(
    'select owner, state, cause from users where id = $1',
    [id],
  );
  expect(rows).toEqual([{ owner: 'roll', state: 'deactivated', cause: 'admin' }]);
  expect((await scene.acme.get(`/Users/${id}`)).status).toBe(404);
});
