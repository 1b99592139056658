import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { prepareKeycloak } from './distribution.ts';
import { REALM, randomSecret, renderRealm } from './realm.ts';
import { RealmAdmin } from './realm-admin.ts';

/** The service provider that the realm's SAML client stands for. */
export interface KeycloakOptions {
  readonly spEntityId?: string;
  readonly acsUrl?: string;
}

/** A real Keycloak with the realm `rollcall`. */
export interface Keycloak {
  /** Origin, without a slash at the end. */
  readonly url: string;
  readonly realm: string;
  /** IdP metadata of the realm. */
  readonly metadataUrl: string;
  /** The service account with `view-users`; `half-blind` has the same secret and only `query-…`. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The password of everybody in the realm. */
  readonly password: string;
  readonly admin: RealmAdmin;
  /** A token of the server's administrator. */
  adminToken(): Promise<string>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 20_000;
const ADMIN_CLIENT = 'test-administrator';

/**
 * Starts Keycloak on a free port of 127.0.0.1, its data in memory and its log in
 * a temporary folder. Takes some 15 seconds on two cores, and a minute or so the
 * first time (see `prepareKeycloak`).
 */
export async function startKeycloak(options: KeycloakOptions = {}): Promise<Keycloak> {
  const distribution = await prepareKeycloak();
  const home = await mkdtemp(join(tmpdir(), 'rollcall-keycloak-'));
  const administratorSecret = randomSecret();
  const process_ = await launch(distribution, home, administratorSecret);
  const stop = (): Promise<void> => stopProcess(process_, home);
  try {
    const deadline = Date.now() + START_LIMIT_MS;
    const url = await waitForUrl(home, process_, deadline);
    const adminToken = (): Promise<string> => fetchAdminToken(url, administratorSecret);
    await waitForAdmin(adminToken, process_, home, deadline);
    const admin = new RealmAdmin(url, adminToken);
    const [sweeperSecret, password] = [randomSecret(), randomSecret()];
    const {
      spEntityId = 'https://sp.example/saml/acme/metadata',
      acsUrl = 'https://sp.example/saml/acme/acs',
    } = options;
    await admin.createRealm(await renderRealm({ spEntityId, acsUrl, sweeperSecret }, password));
    return {
      url,
      realm: REALM,
      metadataUrl: `${url}/realms/${REALM}/protocol/saml/descriptor`,
      clientId: 'rollcall-sweeper',
      clientSecret: sweeperSecret,
      password,
      admin,
      adminToken,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A home of its own around the shared, built libraries, so that servers do not meet in files. */
async function launch(distribution: string, home: string, secret: string): Promise<ChildProcess> {
  await mkdir(join(home, 'bin'));
  await cp(join(distribution, 'bin/kc.sh'), join(home, 'bin/kc.sh'));
  for (const part of await readdir(distribution)) {
    if (part !== 'bin' && part !== 'data')
      await symlink(join(distribution, part), join(home, part));
  }
  const log = await open(logOf(home), 'w');
  const args = [
    join(home, 'bin/kc.sh'),
    'start',
    '--optimized',
    '--cache=local',
    '--http-enabled=true',
    '--http-host=127.0.0.1',
    '--http-port=0',
    '--hostname-strict=false',
  ];
  const child = spawn('sh', args, {
    // A group of its own: the shell has Java as a child, and both must end.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: {
      ...process.env,
      KC_BOOTSTRAP_ADMIN_CLIENT_ID: ADMIN_CLIENT,
      KC_BOOTSTRAP_ADMIN_CLIENT_SECRET: secret,
      // The server lives for a minute: compiling less is faster.
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
    },
  });
  process.once('exit', () => signalGroup(child, 'SIGKILL'));
  await log.close();
  return child;
}

async function waitForUrl(home: string, child: ChildProcess, deadline: number): Promise<string> {
  for (;;) {
    const log = await readFile(logOf(home), 'utf8');
    const [, url] = /Listening on: (http:\/\/127\.0\.0\.1:[0-9]+)/.exec(log) ?? [];
    if (url !== undefined) return url;
    await waitOrFail(child, home, deadline);
  }
}

/** It listens before its database is ready. */
async function waitForAdmin(
  adminToken: () => Promise<string>,
  child: ChildProcess,
  home: string,
  deadline: number,
): Promise<void> {
  for (;;) {
    const token = await adminToken().catch(() => null);
    if (token !== null) return;
    await waitOrFail(child, home, deadline);
  }
}

async function waitOrFail(child: ChildProcess, home: string, deadline: number): Promise<void> {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (ended || Date.now() > deadline) {
    const log = await readFile(logOf(home), 'utf8');
    const what = ended
      ? `ended with ${child.exitCode ?? child.signalCode}`
      : 'is not ready in time';
    throw new Error(`Keycloak ${what}:\n${log.slice(-4_000)}`);
  }
  await wait(200);
}

async function fetchAdminToken(url: string, secret: string): Promise<string> {
  const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: ADMIN_CLIENT,
      client_secret: secret,
    }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`);
  return ((await response.json()) as { access_token: string }).access_token;
}

async function stopProcess(child: ChildProcess, home: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    signalGroup(child, 'SIGTERM');
    const inTime = await Promise.race([ended, wait(STOP_LIMIT_MS, null, { ref: false })]);
    if (inTime === null) {
      signalGroup(child, 'SIGKILL');
      await ended;
    }
  }
  await rm(home, { recursive: true, force: true });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended between the question and the signal.
  }
}

function logOf(home: string): string {
  return join(home, 'keycloak.log');
}
