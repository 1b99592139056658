import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const OWNER = join(import.meta.dirname, '../setup/embedded-owner.ts');
const elsewhere: string[] = [];
let base = '';

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'rollcall-embedded-'));
  await chmod(base, 0o755);
});

afterEach(async () => {
  for (const folder of [base, ...elsewhere.splice(0)]) {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
});

async function open(dir: string): Promise<EmbeddedPostgres> {
  const opened = await openEmbeddedPostgres({ dir, durable: false });
  const moved = await placeOf(dir);
  if (moved !== undefined) elsewhere.push(moved);
  return opened;
}

/** Where the data of a folder are that the server's account may not enter. */
async function placeOf(dir: string): Promise<string | undefined> {
  const pointer = await readFile(join(dir, 'data-location.json'), 'utf8').catch(() => undefined);
  return pointer === undefined ? undefined : JSON.parse(pointer).parent;
}

async function ask(opened: EmbeddedPostgres, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: opened.url });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return rows[0]?.[0];
  } finally {
    await client.end();
  }
}

async function postmasterOf(data: string): Promise<number> {
  return Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

function startOwner(dir: string): ChildProcess & { attached: Promise<boolean> } {
  const child = spawn(process.execPath, ['--conditions=source', OWNER, dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const attached = new Promise<boolean>((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(JSON.parse(String(line)).attached));
    child.once('exit', () => reject(new Error('the owner ended before it had opened')));
  });
  attached.catch(() => undefined);
  return Object.assign(child, { attached });
}

async function leave(owner: ChildProcess): Promise<void> {
  owner.stdin?.end();
  await once(owner, 'exit');
}

async function kill(owner: ChildProcess): Promise<void> {
  owner.kill('SIGKILL');
  await once(owner, 'exit');
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  );
}

describe('starting and stopping', () => {
  test('creates a database alike on every machine, keeps its data and its port', async () => {
    const dir = join(base, 'db');
    const first = await open(dir);
    expect(first.attached).toBe(false);
    expect(await ask(first, 'show server_encoding')).toBe('UTF8');
    expect(await ask(first, 'show timezone')).toBe('UTC');
    expect(await ask(first, "select upper('ß-é') || (lower('Ä') = 'ä')")).toBe('ß-Étrue');
    expect(await ask(first, 'show listen_addresses')).toBe('127.0.0.1');
    await ask(first, 'create table kept as select 42 as answer');
    await first.stop();
    await first.stop();
    expect(existsSync(join(dir, 'data/postmaster.pid'))).toBe(false);

    const began = performance.now();
    const second = await open(dir);
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(second.attached).toBe(false);
    expect(second.url).toBe(first.url);
    expect(await ask(second, 'select answer from kept')).toBe(42);
    await second.stop();
  });

  test('lets nobody in without the password, which only its owner may read', async () => {
    const opened = await open(join(base, 'db'));
    try {
      const url = new URL(opened.url);
      url.password = 'wrong';
      expect(await codeOf(new pg.Client({ connectionString: url.href }).connect())).toBe('28P01');
      expect((await stat(join(base, 'db/password'))).mode & 0o777).toBe(0o600);
    } finally {
      await opened.stop();
    }
  });

  test.each(['with space', `q'uote "double" $HOME`, `long${'/long-name-'.repeat(20)}`])(
    'works in the folder %s',
    async (name) => {
      const opened = await open(join(base, name));
      expect(await ask(opened, 'select 1')).toBe(1);
      await opened.stop();
    },
  );

  test('serves two folders side by side', async () => {
    const [one, two] = await Promise.all([open(join(base, 'one')), open(join(base, 'two'))]);
    expect(one.url).not.toBe(two.url);
    expect([one.attached, two.attached]).toEqual([false, false]);
    await Promise.all([one.stop(), two.stop()]);
  });
});

describe('several processes on one folder', () => {
  test('the second joins, and the last to leave stops the server', async () => {
    const dir = join(base, 'db');
    const owner = startOwner(dir);
    expect(await owner.attached).toBe(false);
    const opened = await open(dir);
    expect(opened.attached).toBe(true);
    await leave(owner);
    expect(await ask(opened, 'select 1')).toBe(1);
    await opened.stop();
    expect(existsSync(join(dir, 'data/postmaster.pid'))).toBe(false);
  });

  test('of three that start at once, one creates it and the others join', async () => {
    const dir = join(base, 'db');
    const owners = [startOwner(dir), startOwner(dir)];
    const opened = await open(dir);
    const attached = [
      ...(await Promise.all(owners.map((owner) => owner.attached))),
      opened.attached,
    ];
    expect(attached.filter((one) => !one)).toHaveLength(1);
    await Promise.all(owners.map(leave));
    expect(await ask(opened, 'select 1')).toBe(1);
    await opened.stop();
  });
});

describe('after a crash', () => {
  test('a killed owner leaves a server that the next one joins and stops', async () => {
    const dir = join(base, 'db');
    const owner = startOwner(dir);
    await owner.attached;
    const pid = await postmasterOf(join(dir, 'data'));
    await kill(owner);
    const opened = await open(dir);
    expect(opened.attached).toBe(true);
    expect(await postmasterOf(join(dir, 'data'))).toBe(pid);
    await opened.stop();
    expect(existsSync(join(dir, 'data/postmaster.pid'))).toBe(false);
  });

  test('a killed server is started again and recovers', async () => {
    const dir = join(base, 'db');
    // Without `durable: false`: what was committed has to be there again.
    const before = await openEmbeddedPostgres({ dir });
    await ask(before, 'create table kept as select 42 as answer');
    process.kill(await postmasterOf(join(dir, 'data')), 'SIGKILL');
    await before.stop();
    const opened = await open(dir);
    expect(await ask(opened, 'select answer from kept')).toBe(42);
    await opened.stop();
  });

  test('a process that has inherited the number of the dead server is left alone', async () => {
    const dir = join(base, 'db');
    await (await open(dir)).stop();
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
    });
    try {
      const lines = [bystander.pid, join(dir, 'data'), 1, 1, '', '127.0.0.1', '', 'ready   '];
      await writeFile(join(dir, 'data/postmaster.pid'), `${lines.join('\n')}\n`);
      const opened = await open(dir);
      expect(await ask(opened, 'select 1')).toBe(1);
      await opened.stop();
      expect(bystander.exitCode).toBeNull();
      expect(bystander.signalCode).toBeNull();
    } finally {
      await kill(bystander);
    }
  });

  test('a half-made database is thrown away and made again', async () => {
    const dir = join(base, 'db');
    const owner = startOwner(dir);
    let unfinished: string[] = [];
    while (unfinished.length === 0) {
      await sleep(5);
      const names = await readdir(dir).catch(() => []);
      unfinished = names.filter((name) => existsSync(join(dir, name, 'base')) && name !== 'data');
    }
    await kill(owner);
    expect(existsSync(join(dir, 'data'))).toBe(false);
    const opened = await open(dir);
    expect(opened.attached).toBe(false);
    expect(await ask(opened, 'select 1')).toBe(1);
    await opened.stop();
    expect((await readdir(dir)).sort()).toEqual([
      'data',
      'owners',
      'password',
      'port',
      'server.log',
    ]);
  });
});

describe('what it refuses, and leaves as it was', () => {
  test('a folder that cannot be made', async () => {
    await writeFile(join(base, 'file'), '');
    expect(await codeOf(open(join(base, 'file/db')))).toBe('database.embedded_unwritable');
  });

  test('data of another major version', async () => {
    const dir = join(base, 'db');
    await (await open(dir)).stop();
    await writeFile(join(dir, 'data/PG_VERSION'), '14\n');
    expect(await codeOf(open(dir))).toBe('database.embedded_version_mismatch');
    expect(existsSync(join(dir, 'data/base'))).toBe(true);
  });

  test('a data folder full of something else', async () => {
    await mkdir(join(base, 'db/data'), { recursive: true });
    await writeFile(join(base, 'db/data/diary'), 'dear');
    expect(await codeOf(open(join(base, 'db')))).toBe('database.embedded_foreign_folder');
    expect(await readFile(join(base, 'db/data/diary'), 'utf8')).toBe('dear');
  });

  test('data whose password has gone, or is another', async () => {
    const dir = join(base, 'db');
    await (await open(dir)).stop();
    await writeFile(join(dir, 'password'), 'wrong\n');
    expect(await codeOf(open(dir))).toBe('database.embedded_password');
    expect(existsSync(join(dir, 'data/postmaster.pid'))).toBe(false);
    await rm(join(dir, 'password'));
    expect(await codeOf(open(dir))).toBe('database.embedded_password');
  });
});

// Only root can make a folder that the server's account may not enter.
if (process.getuid?.() === 0) {
  describe('in a folder that only root may enter', () => {
    test('keeps the data where the server gets at them, and a copy of the folder shares nothing', async () => {
      const dir = join(base, 'closed/db');
      await mkdir(join(base, 'closed'), { mode: 0o700 });
      const first = await open(dir);
      const parent = (await placeOf(dir)) ?? '';
      expect((await stat(join(parent, 'data'))).uid).not.toBe(0);
      await ask(first, 'create table kept as select 42 as answer');
      await first.stop();

      const again = await open(dir);
      expect(await ask(again, 'select answer from kept')).toBe(42);
      await cp(dir, join(base, 'closed/copy'), { recursive: true });
      const copy = await open(join(base, 'closed/copy'));
      expect(await ask(copy, "select to_regclass('kept')")).toBeNull();
      await copy.stop();
      const place = (await placeOf(join(base, 'closed/copy'))) ?? '';
      expect(place).not.toBe(parent);
      expect(existsSync(join(place, 'data/postmaster.pid'))).toBe(false);
      expect(await ask(again, 'select 1')).toBe(1);
      await again.stop();
      expect(existsSync(join(parent, 'data/postmaster.pid'))).toBe(false);
    });
  });
}
