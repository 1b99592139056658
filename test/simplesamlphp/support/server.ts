import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { findFreePort } from '../../integration/start/free-port.ts';
import { prepareSimpleSaml } from './distribution.ts';

/** What SimpleSAMLphp is told of a service provider; its own names for everything. */
export type ServiceProviders = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A real SimpleSAMLphp as identity provider, on PHP's own web server. */
export interface SimpleSaml {
  readonly url: string;
  /** Its metadata as XML. */
  metadata(): Promise<string>;
  /** The password of `ada` and `alan`. */
  readonly password: string;
  /** What it wrote to its log. */
  log(): Promise<string>;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 30_000;
const CODE_FILES = ['config.php', 'authsources.php'];
const METADATA_FILES = ['saml20-idp-hosted.php', 'saml20-sp-remote.php'];

/** Starts it on a free port of 127.0.0.1, with a new key and its files in a temporary folder. */
export async function startSimpleSaml(providers: ServiceProviders): Promise<SimpleSaml> {
  const code = await prepareSimpleSaml();
  const home = await mkdtemp(join(tmpdir(), 'rollcall-simplesamlphp-'));
  const url = `http://127.0.0.1:${await findFreePort()}`;
  const password = randomBytes(18).toString('base64url');
  await furnish(home, providers);
  const child = await launch(code, home, url, password);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      signalGroup(child, 'SIGTERM');
      await ended;
    }
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const metadata = async () => (await fetch(`${url}/saml2/idp/metadata.php`)).text();
  try {
    await waitUntilReady(metadata, home, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const log = async () => readFile(join(home, 'idp.log'), 'utf8').catch(() => '');
  return { url, metadata, password, log, stop };
}

async function furnish(home: string, providers: ServiceProviders): Promise<void> {
  for (const folder of ['config', 'metadata', 'cert', 'sessions', 'tmp']) {
    await mkdir(join(home, folder));
  }
  for (const name of CODE_FILES) {
    await copyFile(join(import.meta.dirname, name), join(home, 'config', name));
  }
  for (const name of METADATA_FILES) {
    await copyFile(join(import.meta.dirname, name), join(home, 'metadata', name));
  }
  const { key, certificate } = await makeTestKey();
  await writeFile(join(home, 'cert/idp.key'), key);
  await writeFile(join(home, 'cert/idp.crt'), certificate);
  await writeFile(join(home, 'service-providers.json'), JSON.stringify(providers));
}

async function launch(code: string, home: string, url: string, secret: string) {
  const log = await open(join(home, 'server.log'), 'w');
  const settings = [`error_log=${join(home, 'php.log')}`, 'display_errors=0', 'memory_limit=256M'];
  const args = settings.flatMap((setting) => ['-d', setting]);
  const child = spawn('php', [...args, '-S', new URL(url).host, '-t', join(code, 'www')], {
    // A group of its own: the server has workers as children, and all must end.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: {
      PATH: process.env.PATH ?? '',
      PHP_CLI_SERVER_WORKERS: '2',
      SIMPLESAMLPHP_CONFIG_DIR: join(home, 'config'),
      IDP_HOME: home,
      IDP_URL: url,
      IDP_SECRET: secret,
    },
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('php did not start: it comes with the Debian package php-cli', {
      cause: error,
    });
  });
  await Promise.race([once(child, 'spawn'), failed]);
  process.once('exit', () => signalGroup(child, 'SIGKILL'));
  await log.close();
  return child;
}

async function waitUntilReady(
  metadata: () => Promise<string>,
  home: string,
  child: ChildProcess,
): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const text = await metadata().catch(() => '');
    if (text.includes('IDPSSODescriptor')) return;
    if (child.exitCode !== null || Date.now() > deadline) {
      const logs = await Promise.all(
        ['server.log', 'php.log', 'idp.log'].map((name) =>
          readFile(join(home, name), 'utf8').catch(() => ''),
        ),
      );
      throw new Error(`SimpleSAMLphp is not ready:\n${logs.join('\n').slice(-4_000)}`);
    }
    await wait(100);
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended between the question and the signal.
  }
}
