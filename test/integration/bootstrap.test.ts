import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
let base = '';
let copy = '';

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'rollcall-bootstrap-'));
  copy = join(base, 'a clone');
});

afterEach(() => rm(base, { recursive: true, force: true }));

/** What a fresh clone has that an install reads, and nothing that is installed. */
async function makeCopy(): Promise<void> {
  await mkdir(copy);
  for (const name of ['scripts', 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
    await cp(join(ROOT, name), join(copy, name), { recursive: true });
  }
  for (const name of await readdir(join(ROOT, 'packages'))) {
    const manifest = join('packages', name, 'package.json');
    await cp(join(ROOT, manifest), join(copy, manifest));
  }
}

function run(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Runs `code` with the exports of a script as `it`. */
function evaluate(script: string, code: string): string {
  const url = JSON.stringify(`file://${encodeURI(join(ROOT, 'scripts', script))}`);
  const source = `const it = await import(${url}); ${code}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  return stdout.trim() || stderr;
}

describe('npm run', () => {
  test('an unknown command names the known ones', async () => {
    await makeCopy();
    const { status, stderr } = run(['scripts/run.mjs', 'strat']);
    expect(status).toBe(1);
    expect(stderr.trim()).toMatch(/^There is no command "strat"; there are start, .*build\.$/);
  });

  test('without a registry it says so in one sentence, and leaves nothing half-installed', async () => {
    await makeCopy();
    const { status, stderr } = run(['scripts/run.mjs', 'check'], {
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(base, 'cache'),
      npm_config_loglevel: 'silent',
    });
    expect(status).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(
      /^pnpm could not be installed: the npm registry cannot be reached; .*\.$/,
    );
    expect(await readdir(join(copy, '.tools'))).toEqual([]);
  }, 60_000);

  test.each([
    ['20.20.2', 'false'],
    ['22.17.1', 'false'],
    ['22.18.0', 'true'],
    ['23.5.0', 'false'],
    ['23.6.0', 'true'],
    ['24.0.0', 'true'],
  ])('Node %s runs the sources: %s', (version, expected) => {
    const code = `console.log(it.runsTypeScript(${JSON.stringify(version)}))`;
    expect(evaluate('toolchain.mjs', code)).toBe(expected);
  });
});

describe('the install lock', () => {
  test('is taken over from a process that was killed', async () => {
    const path = join(base, 'lock');
    const code = `await it.withLock(${JSON.stringify(path)}, async () => console.log('mine'))`;
    await writeFile(path, JSON.stringify({ pid: spawnSync('true').pid, started: '1', id: 'gone' }));
    expect(evaluate('lock.mjs', code)).toBe('mine');
    expect(existsSync(path)).toBe(false);
  });

  test('lets one at a time in', async () => {
    const [path, inside] = [join(base, 'lock'), join(base, 'inside')];
    const code = `
      import { mkdirSync, rmdirSync } from 'node:fs';
      const work = async () => {
        mkdirSync(${JSON.stringify(inside)});
        await new Promise((done) => setTimeout(done, 20));
        rmdirSync(${JSON.stringify(inside)});
      };
      await Promise.all(Array.from({ length: 8 }, () => it.withLock(${JSON.stringify(path)}, work)));
      console.log('in turn');`;
    expect(evaluate('lock.mjs', code)).toBe('in turn');
  });
});

describe('the program in the foreground', () => {
  test.each([
    ['one signal', 1],
    ['the same signal three times at once', 3],
  ])('gets %s once, and its exit code is ours', async (_, times) => {
    const program = join(base, 'program.mjs');
    await writeFile(
      program,
      `let count = 0;
       process.on('SIGTERM', () => { count++; setTimeout(() => process.exit(40 + count), 300); });
       setInterval(() => {}, 1000);
       console.log('ready');`,
    );
    const source = `const { runInForeground } = await import(${JSON.stringify(join(ROOT, 'scripts/child.mjs'))});
      process.exitCode = await runInForeground(process.execPath, [${JSON.stringify(program)}]);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    for (let sent = 0; sent < times; sent++) parent.kill('SIGTERM');
    const [code] = await once(parent, 'exit');
    expect(code).toBe(41);
  });
});

describe('the rollcall command', () => {
  test('is linked where npx looks, and may be executed', async () => {
    await access(join(ROOT, 'node_modules/.bin/rollcall'), constants.X_OK);
    await access(join(ROOT, 'packages/cli/bin/rollcall.mjs'), constants.X_OK);
  });

  test('runs the sources with the Node of the checkout and passes the exit code on', async () => {
    await makeCopy();
    await cp(join(ROOT, 'packages/cli/bin'), join(copy, 'packages/cli/bin'), { recursive: true });
    await mkdir(join(copy, 'packages/cli/src'));
    const main = `const words: string[] = process.argv.slice(2);\nconsole.log(words.join(' '), process.execArgv.join());\nprocess.exit(3);\n`;
    await writeFile(join(copy, 'packages/cli/src/main.ts'), main);
    const bin = join(copy, 'packages/cli/bin/rollcall.mjs');
    await chmod(bin, 0o755);
    const { status, stdout } = run([bin, 'sweep', 'plan']);
    expect(stdout.trim()).toBe('sweep plan --conditions=source');
    expect(status).toBe(3);
    expect(await readFile(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
