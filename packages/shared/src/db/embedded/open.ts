import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Account, chooseAccount } from './account.ts';
import { type Binaries, locateBinaries } from './binaries.ts';
import { assertVersion, initialise, keepPassword, ROLE } from './cluster.ts';
import { findData, placeData } from './data-location.ts';
import { busy, explainFolderFailure, passwordProblem } from './failure.ts';
import { withLock } from './lock.ts';
import { Owners } from './owners.ts';
import { choosePort, findFreePort, rememberPort } from './port.ts';
import { launch, type Postmaster, settle, signalStop, stopPostmaster } from './postmaster.ts';

/** How to open the embedded database. */
export interface EmbeddedPostgresOptions {
  /** The folder it lives in; made if missing. One folder is one database. */
  readonly dir: string;
  /** Told, in a few words, what takes time. */
  readonly log?: (line: string) => void;
  /**
   * `false` gives up safety against power cuts for speed, which only tests may want.
   * Default `true`. Without effect when the server already runs.
   */
  readonly durable?: boolean;
}

/** An embedded database that is open. */
export interface EmbeddedPostgres {
  /** `postgresql://…` with the password: never print it. */
  readonly url: string;
  /** Whether the server ran already: started by another process, or left over by one that died. */
  readonly attached: boolean;
  /** Lets go of the server and, when no other process uses it, stops it. May be called twice. */
  stop(): Promise<void>;
}

/** The fixed places within the folder. */
interface Folder {
  readonly dir: string;
  readonly lock: string;
  readonly password: string;
  readonly port: string;
  readonly log: string;
  readonly owners: Owners;
}

interface Server {
  readonly binaries: Binaries;
  readonly data: string;
  readonly account: Account | undefined;
  readonly postmaster: Postmaster;
  readonly attached: boolean;
  readonly url: string;
}

const LOCK_SECONDS = 120;
const START_SECONDS = 30;

/**
 * Opens the database that lives in `dir`: creates it at first use, starts its
 * server, or joins the one that runs already. The last process to leave stops it;
 * a server whose processes were all killed is joined by the next one.
 *
 * @throws AppError with a code `database.embedded_…` (see `failure.ts`) and one
 * sentence that says what to do.
 */
export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  try {
    const folder = await prepareFolder(options.dir);
    return await withLock(folder.lock, LOCK_SECONDS, async () => {
      const server = await openServer(folder, options);
      return hold(folder, server);
    });
  } catch (error) {
    throw explainFolderFailure(error, options.dir);
  }
}

async function prepareFolder(wanted: string): Promise<Folder> {
  await mkdir(resolve(wanted), { recursive: true, mode: 0o755 });
  const dir = await realpath(wanted);
  return {
    dir,
    lock: join(dir, 'lock'),
    password: join(dir, 'password'),
    port: join(dir, 'port'),
    log: join(dir, 'server.log'),
    owners: new Owners(join(dir, 'owners')),
  };
}

async function openServer(folder: Folder, options: EmbeddedPostgresOptions): Promise<Server> {
  const found = await findData(folder.dir);
  const account = await chooseAccount(found.owner);
  const binaries = await locateBinaries(account);
  const password = await keepPassword(folder.password, found);
  const durable = options.durable ?? true;
  let location = found;
  if (found.owner === undefined) {
    options.log?.('creating the embedded database');
    location = await placeData(folder.dir, account);
    await initialise(binaries, location, account, { password, durable });
  }
  const data = await realpath(location.data);
  await assertVersion(data, binaries);
  const running = await settle(data);
  const postmaster = running ?? (await start(folder, { binaries, data, account, durable }));
  const url = `postgresql://${ROLE}:${password}@127.0.0.1:${postmaster.port}/${ROLE}`;
  try {
    await ensureDatabase(url);
  } catch (error) {
    if (running === undefined) await stopPostmaster(binaries, data, account);
    const refused = (error as { code?: unknown }).code === '28P01';
    throw refused ? passwordProblem(folder.password, data, error) : error;
  }
  return { binaries, data, account, postmaster, url, attached: running !== undefined };
}

async function start(
  folder: Folder,
  how: { binaries: Binaries; data: string; account: Account | undefined; durable: boolean },
): Promise<Postmaster> {
  let port = await choosePort(folder.port);
  const deadline = performance.now() + START_SECONDS * 1000;
  while (performance.now() < deadline) {
    const options = { port, durable: how.durable, logFile: folder.log };
    const started = await launch(how.binaries, how.data, how.account, options);
    if (typeof started === 'object') {
      await rememberPort(folder.port, port);
      return started;
    }
    if (started === 'port taken') port = await findFreePort();
    else await sleep(100);
  }
  throw busy('The end of the server before', START_SECONDS);
}

/** `create database` cannot run in a transaction, and `initdb` makes only `postgres`. */
async function ensureDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url.replace(/\/[^/]*$/, '/postgres') });
  await client.connect();
  try {
    const found = await client.query('select from pg_database where datname = $1', [ROLE]);
    if (found.rowCount === 0) await client.query(`create database ${ROLE}`);
  } finally {
    await client.end();
  }
}

function hold(folder: Folder, server: Server): EmbeddedPostgres {
  const name = folder.owners.add();
  const leaveAtExit = () => {
    folder.owners.remove(name);
    if (folder.owners.count() === 0) signalStop(server.data);
  };
  process.once('exit', leaveAtExit);
  let stopping: Promise<void> | undefined;
  const stop = () =>
    withLock(folder.lock, LOCK_SECONDS, async () => {
      process.off('exit', leaveAtExit);
      folder.owners.remove(name);
      if (folder.owners.count() > 0) return;
      await stopPostmaster(server.binaries, server.data, server.account);
    });
  return {
    url: server.url,
    attached: server.attached,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
