import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToken } from '@rollcall/jit-auth/scim/tokens/token-book';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction, openPool, overPool } from '@rollcall/shared/db/database';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { migrate } from '@rollcall/shared/db/migrate';
import { currentTime } from '@rollcall/shared/db/timestamp';
import pg from 'pg';
import { type BenchClient, benchClient } from './client.ts';
import type { CpuMeter } from './load.ts';
import { idOf } from './people.ts';
import { postgresCpuMs } from './postgres-cpu.ts';
import { seedScim } from './seed.ts';
import { startServer } from './server-process.ts';

/** A SCIM server to ask, and what asking it costs. */
export interface Contestant {
  readonly client: BenchClient;
  readonly meter: CpuMeter;
  readonly people: number;
  readonly members: number;
  /** The id of the large group. */
  readonly groupId: string;
  /** Ids of people who are no members of it. */
  readonly outsiders: readonly string[];
}

/** This project's server on a Postgres with many people, and scimmy with few in memory. */
export interface ScimWorld {
  readonly ours: Contestant;
  readonly scimmy: Contestant;
  readonly postgres: string;
  readonly seedSeconds: number;
  close(): Promise<void>;
}

/** How many of each. */
export interface Sizes {
  readonly people: number;
  readonly members: number;
}

/** Opens both in processes of their own; everything goes away with it. */
export async function openScimWorld(
  ours: Sizes,
  scimmy: Sizes,
  tell: (line: string) => void,
): Promise<ScimWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const closers: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const server = await openEmbeddedPostgres({ dir: join(folder, 'postgres') });
    closers.push(() => server.stop());
    // Without the service's limit of time: to fill the database takes longer.
    const pool = new pg.Pool({ connectionString: server.url });
    closers.push(() => pool.end());
    const token = await prepare(server.url);
    const start = performance.now();
    const groupId = await seedScim(pool, ours.people, ours.members, tell);
    const seedSeconds = (performance.now() - start) / 1_000;
    tell(`filled in ${Math.round(seedSeconds)} s`);
    const { rows } = await pool.query<{ server_version: string }>('show server_version');
    return {
      ours: {
        ...ours,
        groupId,
        outsiders: await outsidersOf(pool, groupId),
        ...(await openOurs(server.url, token, pool, closers)),
      },
      scimmy: {
        ...scimmy,
        groupId: 'large',
        outsiders: range(scimmy.members, scimmy.people).map(idOf),
        ...(await openScimmy(scimmy, closers)),
      },
      postgres: rows[0]?.server_version ?? 'unknown',
      seedSeconds,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

async function outsidersOf(pool: pg.Pool, groupId: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select user_id as id from scim_users s
      where not exists (select from scim_group_members m where m.user_id = s.user_id and m.group_id = $1)
      limit 5000`,
    [groupId],
  );
  return rows.map(({ id }) => id);
}

async function prepare(url: string): Promise<string> {
  const pool = openPool(url);
  try {
    await migrate(pool);
    const db = overPool(pool);
    const acme = toConnectionId('acme');
    await registerConnection(db, acme, 'https://idp.example', currentTime());
    const request = { connectionId: acme, name: 'bench', expiresAt: null, networks: [] };
    const made = await inTransaction(db, (tx) => createToken(tx, request, 'bench', currentTime()));
    return made.secret;
  } finally {
    await pool.end();
  }
}

type Opened = Pick<Contestant, 'client' | 'meter'>;

async function openOurs(
  databaseUrl: string,
  token: string,
  pool: pg.Pool,
  closers: (() => unknown)[],
): Promise<Opened> {
  return open('rollcall-server.ts', [databaseUrl], token, () => postgresCpuMs(pool), closers);
}

function openScimmy({ people, members }: Sizes, closers: (() => unknown)[]): Promise<Opened> {
  const args = [`${people}`, `${members}`];
  return open('scimmy-server.ts', args, 'bench', async () => null, closers);
}

async function open(
  file: string,
  args: readonly string[],
  token: string,
  postgres: () => Promise<number | null>,
  closers: (() => unknown)[],
): Promise<Opened> {
  const server = await startServer(file, args);
  closers.push(() => server.close());
  const client = benchClient(server.url, token);
  closers.push(() => client.close());
  const meter = async () => {
    const { user, system } = process.cpuUsage();
    const own = (user + system) / 1_000;
    return { client: own, server: await server.cpuMs(), postgres: await postgres() };
  };
  return { client, meter };
}
