import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerErrors } from '@rollcall/jit-auth/http/errors';
import { requireUser } from '@rollcall/jit-auth/http/guards';
import { readRequestSession, requestSession } from '@rollcall/jit-auth/http/request-session';
import { cookieSession } from '@rollcall/jit-auth/sessions/cookie-session';
import { issueCookie, withdrawCookie } from '@rollcall/jit-auth/sessions/issue';
import { toSessionId } from '@rollcall/shared/core/ids';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { type Engine, openEngine } from '@rollcall/shared/engine/engine';
import { createLog } from '@rollcall/shared/telemetry/log';
import express, { type Express } from 'express';
import type pg from 'pg';

export const KEY = 'the newest session key of these tests, 0123456789';
export const OLD_KEY = 'an older session key of these tests, 0123456789';
export const HOUR = 3_600_000;

/** A real Express app on a real port, with nothing but the session in it. */
export interface App {
  readonly url: string;
  readonly engine: Engine;
  readonly pool: pg.Pool;
  /** What was logged, one JSON line each. */
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export interface AppOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly keys?: readonly string[];
  readonly https?: boolean;
  readonly idleMs?: number;
}

/**
 * `POST /sign-in/ID` gives the cookie of a session's row, as the ACS does; `POST /sign-out`
 * takes it back; `GET /who` says who is signed in; `GET /open` is for everybody,
 * `GET /guarded` for whoever is signed in.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const pool = openPool(options.databaseUrl);
  const engine = await openEngine(
    pool,
    options.redisUrl === null ? null : { url: options.redisUrl },
  );
  const logged: string[] = [];
  const log = createLog('debug', { write: (line: string) => void logged.push(line) });
  const app = express();
  app.set('trust proxy', 'loopback');
  app.use(
    cookieSession({
      engine,
      keys: options.keys ?? [KEY],
      https: options.https ?? false,
      maxMs: 8 * HOUR,
      onError: (error) => log.error({ event: 'session.store_failed', err: error }),
    }),
  );
  app.use(
    readRequestSession({
      db: overPool(pool),
      idleMs: options.idleMs ?? HOUR,
      connections: new Set(['acme']),
    }),
  );
  addRoutes(app);
  app.use(answerErrors(log));
  const server = createServer(app);
  // A connection that is closed just as it is used again would look like an answer.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    engine,
    pool,
    logged,
    close: async () => {
      await stop(server);
      await engine.close();
      if (!pool.ending) await pool.end();
    },
  };
}

function addRoutes(app: Express): void {
  app.post('/sign-in/:id', async (request, response) => {
    await issueCookie(request, toSessionId(request.params.id));
    response.status(204).end();
  });
  app.post('/sign-out', async (request, response) => {
    await withdrawCookie(request);
    response.status(204).end();
  });
  app.get('/who', (request, response) => {
    const reading = requestSession(request);
    const roles = reading.kind === 'live' ? reading.roles : [];
    const why = reading.kind === 'dead' ? reading.why : null;
    response.json({ kind: reading.kind, subject: request.user?.subject ?? null, roles, why });
  });
  app.get('/guarded', requireUser(), (_request, response) => {
    response.send('for whoever is signed in');
  });
  app.get('/open', (_request, response) => {
    response.send('for everybody');
  });
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** One answer, with what a test looks at. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly setCookie: readonly string[];
}

/** Sends one request with exactly this cookie header. */
export async function send(
  url: string,
  { cookie, method = 'GET', headers = {} }: RequestParts = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(cookie === undefined ? {} : { cookie }),
      ...headers,
    },
  });
  return {
    status: response.status,
    body: await response.text(),
    setCookie: response.headers.getSetCookie(),
  };
}

export interface RequestParts {
  readonly cookie?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `name=value` of the only cookie that was set. */
export function cookieOf(reply: Reply): string {
  const [only, ...others] = reply.setCookie;
  if (only === undefined || others.length > 0) {
    throw new Error(`expected one cookie, received ${reply.setCookie.length}: ${reply.body}`);
  }
  return only.split(';')[0] ?? '';
}

/** The id that a cookie carries, without its signature. */
export function sidOf(cookie: string): string {
  const value = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1));
  return value.slice('s:'.length, value.lastIndexOf('.'));
}
