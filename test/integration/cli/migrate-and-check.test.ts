import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emptyDatabase, type FreshDatabase } from '../../setup/database.ts';
import { configure } from '../start/configured.ts';
import { findFreePort } from '../start/free-port.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await emptyDatabase();
});
afterAll(() => database.drop());

vi.setConfig({ testTimeout: 120_000 });

describe('migrate', () => {
  it('is asked for by the other commands, is done once, and says so', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    const early = await rollcall(['users', 'list'], folder);
    expect(early).toMatchObject({ code: 1, stdout: '' });
    expect(early.stderr).toMatch(
      /lacks 0001_init\.sql.*run `rollcall migrate` first\. \(database\.migrations_pending\)\n$/,
    );
    const both = await Promise.all([
      rollcallJson(['migrate'], folder),
      rollcallJson(['migrate'], folder),
    ]);
    const applied = both.flatMap(({ answer }) => (answer as { applied: string[] }).applied);
    expect(applied.filter((name) => name === '0001_init.sql')).toHaveLength(1);
    const again = await rollcall(['migrate'], folder);
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    expect((await rollcall(['users', 'list'], folder)).code).toBe(0);
  });

  it('brings up the database of a demo that has never run', async () => {
    const cwd = makeFolder();
    const first = await rollcall(['migrate'], { cwd });
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ 0001_init.sql') });
    const again = await rollcall(['migrate'], { cwd });
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
    expect((await rollcall(['users', 'list'], { cwd })).code).toBe(0);
  });
});

describe('check', () => {
  it('shows each connection with its certificate, and no secret', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    const shown = await rollcall(['check'], folder);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(`✓ acme  ${folder.idp.entityId}`);
    expect(shown.stdout).toMatch(/certificate {2}expires in \d+ days, on 20\d\d-\d\d-\d\d/);
    expect(shown.stdout).toContain('env:ACME_DATABASE');
    for (const secret of [folder.idp.scimToken, database.url, folder.env.ACME_KEY]) {
      expect(shown.stdout).not.toContain(secret);
    }
    expect(await rollcallJson(['check'], folder)).toMatchObject({
      code: 0,
      answer: {
        ok: true,
        secrets_readable: 3,
        connections: [{ id: 'acme', certificates: [{ days_left: expect.any(Number) }] }],
        problems: [],
      },
    });
  });

  it('names every secret and every metadata that cannot be used', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    const file = join(folder.cwd, 'rollcall.yaml');
    const gone = `http://127.0.0.1:${await findFreePort()}/metadata`;
    const text = readFileSync(file, 'utf8').replace(`${folder.idp.url}/metadata`, gone);
    writeFileSync(file, text.replace('secrets/token', 'secrets/nothing'));
    const env = { ...folder.env, ACME_KEY: 'too short' };
    const shown = await rollcall(['check'], { cwd: folder.cwd, env });
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain('✗ acme');
    expect(shown.stderr.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^rollcall\.yaml {2}session\.keys\.0 .*\(config\.secret_too_short\)$/),
      expect.stringMatching(/directory\.token .*\(config\.secret_unreadable\)$/),
      expect.stringMatching(/connections\.0\.idp .*\(saml\.metadata_unreachable\)$/),
    ]);
    expect(shown.stderr).not.toContain('too short ');
    const json = await rollcallJson(['check'], { cwd: folder.cwd, env });
    expect(json).toMatchObject({
      code: 1,
      answer: { ok: false, connections: [{ entity_id: null }] },
    });
  });
});
