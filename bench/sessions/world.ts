import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireUser } from '@rollcall/jit-auth/http/guards';
import { readRequestSession } from '@rollcall/jit-auth/http/request-session';
import { cookieSession } from '@rollcall/jit-auth/sessions/cookie-session';
import { issueCookie } from '@rollcall/jit-auth/sessions/issue';
import { toConnectionId, toSessionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { type Database, openPool, overPool } from '@rollcall/shared/db/database';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { findFreePort } from '@rollcall/shared/db/embedded/port';
import { migrate } from '@rollcall/shared/db/migrate';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { openEngine } from '@rollcall/shared/engine/engine';
import express from 'express';
import type pg from 'pg';
import { startRedisServer } from '../../test/setup/redis-server.ts';

/** One instance of an app with a page for signed-in people, over HTTP. */
export interface Instance {
  /** Asks for the page; answers with the status. */
  ask(cookie: string): Promise<number>;
  /** A cookie for a row in `sessions`. */
  cookieFor(sessionId: string): Promise<string>;
}

/** Two instances on each store, one without any session, and people to sign in. */
export interface SessionWorld {
  readonly bare: Instance;
  readonly postgres: readonly [Instance, Instance];
  readonly redis: readonly [Instance, Instance];
  readonly db: Database;
  readonly versions: Readonly<Record<string, string>>;
  /** A user with a live session: the ids of both. */
  signIn(): Promise<{ readonly userId: string; readonly sessionId: string }>;
  close(): Promise<void>;
}

const KEYS = ['a session key that is only for measuring, 0123456789'];
const HOUR = 3_600_000;

/** Opens it all on servers of its own, which go away with it: a durable Postgres, a Redis in memory. */
export async function openSessionWorld(): Promise<SessionWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const closers: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const server = await openEmbeddedPostgres({ dir: join(folder, 'postgres') });
    closers.push(() => server.stop());
    const pool = openPool(server.url);
    closers.push(() => pool.end());
    await migrate(pool);
    const db = overPool(pool);
    await registerConnection(db, toConnectionId('acme'), 'https://idp.example', currentTime());
    const redis = await startRedisServer(folder, await findFreePort());
    closers.push(() => redis.kill('SIGTERM'));
    const open = (redisUrl: string | null) => openInstance(server.url, redisUrl, closers);
    const { rows } = await pool.query<{ server_version: string }>('show server_version');
    return {
      bare: await openBare(closers),
      postgres: [await open(null), await open(null)],
      redis: [await open(redis.url), await open(redis.url)],
      db,
      versions: { Postgres: rows[0]?.server_version ?? 'unknown' },
      signIn: () => insertSession(pool),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openInstance(
  databaseUrl: string,
  redisUrl: string | null,
  closers: (() => unknown)[],
): Promise<Instance> {
  const pool = openPool(databaseUrl);
  closers.push(() => pool.end());
  const engine = await openEngine(pool, redisUrl === null ? null : { url: redisUrl });
  closers.push(() => engine.close());
  const app = express();
  const onError = (error: unknown): void => {
    throw error;
  };
  app.use(cookieSession({ engine, keys: KEYS, https: false, maxMs: 8 * HOUR, onError }));
  const connections = new Set(['acme']);
  app.use(readRequestSession({ db: overPool(pool), idleMs: HOUR, connections }));
  app.get('/sign-in/:id', async (request, response) => {
    await issueCookie(request, toSessionId(request.params.id));
    response.status(204).end();
  });
  app.get('/page', requireUser(), (_request, response) => {
    response.send('a page');
  });
  return serve(app, closers);
}

async function openBare(closers: (() => unknown)[]): Promise<Instance> {
  const app = express();
  app.get('/page', (_request, response) => {
    response.send('a page');
  });
  return serve(app, closers);
}

async function serve(app: express.Express, closers: (() => unknown)[]): Promise<Instance> {
  const server: Server = createServer(app);
  server.keepAliveTimeout = HOUR;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  closers.push(() => {
    agent.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ask: async (cookie) => (await send(agent, `${url}/page`, cookie)).status,
    cookieFor: async (id) => (await send(agent, `${url}/sign-in/${id}`, '')).cookie,
  };
}

function send(
  agent: Agent,
  url: string,
  cookie: string,
): Promise<{ readonly status: number; readonly cookie: string }> {
  return new Promise((resolve, reject) => {
    const headers = { cookie, accept: 'application/json' };
    get(url, { agent, headers }, (response) => {
      response.resume();
      response.once('end', () => {
        const [set = ''] = response.headers['set-cookie'] ?? [];
        resolve({ status: response.statusCode ?? 0, cookie: set.split(';')[0] ?? '' });
      });
    }).once('error', reject);
  });
}

async function insertSession(pool: pg.Pool): Promise<{ userId: string; sessionId: string }> {
  const [userId, sessionId] = [randomUUID(), randomUUID()];
  await pool.query(
    `insert into users (id, connection_id, subject, owner, state, state_changed_at, created_at)
     values ($1::uuid, 'acme', $1::uuid::text, 'roll', 'active', now(), now())`,
    [userId],
  );
  await pool.query(
    `insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
     values ($1, 'analyst', 'acme', 'roll', 'assertion', false, '[]', now(), now())`,
    [userId],
  );
  await pool.query(
    `insert into sessions (id, user_id, connection_id, user_epoch, connection_epoch, name_id, created_at, last_seen_at, expires_at)
     values ($1, $2::uuid, 'acme', 1, 1, $2::uuid::text, now(), now(), now() + interval '8 hours')`,
    [sessionId, userId],
  );
  return { userId, sessionId };
}
