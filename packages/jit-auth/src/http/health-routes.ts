import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@rollcall/shared/engine/engine';
import { type Response, Router } from 'express';

type Check = 'ok' | 'failing';

/** A probe that waits longer than this is as good as failed, in milliseconds. */
const PATIENCE = 2_000;

/**
 * `GET /livez` touches nothing: it says that the process answers. `GET /readyz`
 * names what is failing, with 503. `GET /health` says the same for people, and
 * names the engine, and whether a worker is alive: this process can do its work
 * without one, so that is no reason to send people elsewhere.
 */
export function healthRoutes(engine: Engine): Router {
  const router = Router();
  router.get('/livez', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    sendChecks(response, await runChecks(engine), {});
  });
  router.get('/health', async (_request, response) => {
    const [checks, worker] = await Promise.all([runChecks(engine), lastWorker(engine)]);
    sendChecks(response, checks, { engine: engine.kind, worker });
  });
  return router;
}

async function runChecks(engine: Engine): Promise<Readonly<Record<string, Check>>> {
  const database = await attempt(() => engine.pool.query('select 1'));
  if (engine.kind !== 'redis') return { database };
  return { database, redis: await attempt(() => engine.redis.ping()) };
}

/** So long without a sign of a worker, and none is alive: they look every minute. */
const SILENT = '5 minutes';

async function lastWorker({ pool }: Engine): Promise<string> {
  const text = `select last_at > clock_timestamp() - interval '${SILENT}' as alive from watch`;
  const asked = pool.query<{ alive: boolean }>(text).then(({ rows: [row] }) => {
    if (row === undefined) return 'never seen';
    return row.alive ? 'ok' : 'silent';
  });
  const late = sleep(PATIENCE, 'unknown', { ref: false });
  return Promise.race([asked, late]).catch(() => 'unknown');
}

async function attempt(work: () => Promise<unknown>): Promise<Check> {
  try {
    const answered = work().then(() => 'ok' as const);
    return await Promise.race([answered, sleep(PATIENCE, 'failing' as const, { ref: false })]);
  } catch {
    return 'failing';
  }
}

function sendChecks(
  response: Response,
  checks: Readonly<Record<string, Check>>,
  more: Readonly<Record<string, string>>,
): void {
  const ready = Object.values(checks).every((check) => check === 'ok');
  response
    .status(ready ? 200 : 503)
    .set('cache-control', 'no-store')
    .json({ status: ready ? 'ok' : 'failing', ...more, checks });
}
