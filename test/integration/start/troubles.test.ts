import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { databaseUrl } from '../../setup/postgres-server.ts';
import { type Finished, makeFolder, rollcall, rollcallProcess } from '../cli/rollcall.ts';
import { configure } from './configured.ts';
import { findFreePort, holdPort } from './free-port.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
// Throws where a start that failed left a connection open.
afterAll(() => database.drop());

/** One line on standard error that says what to do, its code at the end; no stack, exit 1. */
function expectSentence(finished: Finished, code: string, words: RegExp): void {
  expect(finished).toMatchObject({ code: 1, stdout: '' });
  const lines = finished.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(words);
  expect(lines[0]).toMatch(new RegExp(`\\(${code.replaceAll('.', '\\.')}(: [^)]*)?\\)$`));
}

vi.setConfig({ testTimeout: 120_000 });

describe('start, where something is in the way', () => {
  it('refuses a taken port that was asked for', async () => {
    const cwd = makeFolder();
    const port = await holdPort();
    const env = { DATABASE_URL: database.url };
    const finished = await rollcallProcess(['start', '--port', String(port)], { cwd, env });
    expectSentence(finished, 'web.port_taken', new RegExp(`Port ${port} .*taken.*--port`));
    expect(existsSync(join(cwd, '.rollcall/running.json'))).toBe(false);
  });

  it('refuses the taken port of a configuration before it opens anything', async () => {
    const folder = await configure(makeFolder(), { databaseUrl: database.url });
    const port = await holdPort();
    const file = join(folder.cwd, 'rollcall.yaml');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/^listen: .*$/m, `listen: 127.0.0.1:${port}`),
    );
    const finished = await rollcallProcess(['start'], folder);
    expectSentence(finished, 'web.port_taken', /taken: stop .*, or set listen or --port\./);
  });

  it('says that the database does not answer, without its password', async () => {
    const closed = await findFreePort();
    const url = `postgres://ada:sesame@127.0.0.1:${closed}/rollcall`;
    const finished = await rollcall(['start'], { cwd: makeFolder(), env: { DATABASE_URL: url } });
    expectSentence(finished, 'database.unreachable', /ECONNREFUSED/);
    expect(finished.stderr).not.toContain('sesame');
  });

  it('says that there is no such database, and what is no database URL', async () => {
    const cwd = makeFolder();
    const missing = databaseUrl(database.url, 'rollcall_no_such_database');
    const unknown = await rollcall(['start'], { cwd, env: { DATABASE_URL: missing } });
    expectSentence(unknown, 'database.unreachable', /does not exist/);
    const wrong = await rollcall(['start'], { cwd, env: { DATABASE_URL: 'mysql://h/d' } });
    expectSentence(wrong, 'config.secret_not_a_url', /env:DATABASE_URL/);
  });

  it('says that Redis does not answer', async () => {
    const redis = await findFreePort();
    const more = `redis: { url: "redis://127.0.0.1:${redis}" }\n`;
    const folder = await configure(makeFolder(), { databaseUrl: database.url, more });
    expectSentence(
      await rollcallProcess(['start'], folder),
      'redis.unreachable',
      /Redis did not answer/,
    );
  });

  it('lists every problem of a configuration with its place, one to a line', async () => {
    const cwd = makeFolder();
    writeFileSync(
      join(cwd, 'rollcall.yaml'),
      'version: 1\npublic_url: http://auth.example.com\nsesion: {}\nconnections: []\n',
    );
    const finished = await rollcall(['start'], { cwd });
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    const lines = finished.stderr.trimEnd().split('\n');
    expect(lines.map((line) => line.split('  ')[0])).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^rollcall\.yaml:2:\d+$/),
        expect.stringMatching(/^rollcall\.yaml:3:1$/),
        expect.stringMatching(/^rollcall\.yaml:4:\d+$/),
      ]),
    );
    expect(finished.stderr).toContain('did you mean "session"?');
    for (const line of lines) expect(line).toMatch(/\(config\.[a-z_]+\)$/);

    const json = await rollcall(['start', '--json'], { cwd });
    expect(json).toMatchObject({ code: 1, stderr: '' });
    const { error } = JSON.parse(json.stdout);
    expect(error).toMatchObject({ code: 'config.invalid' });
    expect(error.issues).toHaveLength(lines.length);
  });

  it('says that a configuration that was named is not there', async () => {
    const finished = await rollcall(['start', '--config', 'nowhere.yaml'], { cwd: makeFolder() });
    expect(finished).toMatchObject({ code: 1, stdout: '' });
    expect(finished.stderr).toMatch(
      /^nowhere\.yaml {2}.*there is no such file \(config\.unreadable\)\n$/,
    );
  });

  it('says that it may not write to its folder', async () => {
    const cwd = makeFolder();
    chmodSync(cwd, 0o555);
    // Root may write anywhere, so it lets go of that right.
    const other = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const finished = await rollcallProcess(['start'], { cwd, ...other });
    expectSentence(finished, 'state.unwritable', /may not use it: .*EACCES/);
    expect(existsSync(join(cwd, '.rollcall'))).toBe(false);

    const occupied = makeFolder();
    writeFileSync(join(occupied, '.rollcall'), 'a file of somebody else');
    const blocked = await rollcall(['start'], { cwd: occupied });
    expectSentence(blocked, 'state.unwritable', /\.rollcall/);
    expect(readFileSync(join(occupied, '.rollcall'), 'utf8')).toBe('a file of somebody else');
  });

  it('does not replace the damaged state of the demo IdP', async () => {
    const cwd = makeFolder();
    mkdirSync(join(cwd, '.rollcall'));
    writeFileSync(join(cwd, '.rollcall/demo-idp.json'), '{"version":');
    const finished = await rollcall(['start'], { cwd });
    expectSentence(finished, 'demo_idp.state_corrupt', /demo-idp\.json is damaged/);
    expect(readFileSync(join(cwd, '.rollcall/demo-idp.json'), 'utf8')).toBe('{"version":');
    expect(existsSync(join(cwd, '.rollcall/running.json'))).toBe(false);
  });
});
