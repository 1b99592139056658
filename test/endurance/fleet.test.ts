import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { describeOnBothEngines, type FreshRedis, redisOrNull } from '../setup/redis.ts';
import { type Asked, type Directories, openDirectories } from '../support/fleet/directories.ts';
import { admitPeople, type FleetWorker, startWorker } from '../support/fleet/fleet.ts';
import { until } from '../support/service.ts';

const CONNECTIONS = Array.from({ length: 200 }, (_, n) => `partner-${String(n).padStart(3, '0')}`);
const PEOPLE = 5;
const WORKERS = 4;
/** Fewer than the workers could: 4 × 4. */
const AT_ONCE = 6;

/** One run, as it stands in the database; milliseconds since the epoch. */
interface Ran {
  readonly connection: string;
  readonly state: string;
  readonly from: number;
  readonly to: number;
}

describeOnBothEngines(
  `${WORKERS} workers that share ${CONNECTIONS.length} connections`,
  (engine) => {
    let fresh: FreshDatabase;
    let redis: FreshRedis | null = null;
    let directories: Directories;
    let workers: FleetWorker[] = [];
    let ran: readonly Ran[] = [];
    let mostConnections = 0;

    beforeAll(async () => {
      directories = await openDirectories(30);
      directories.people = (connection) =>
        Array.from({ length: PEOPLE }, (_, n) => {
          return { id: `${connection}-${n + 1}`, active: true, groups: ['analysts'] };
        });
      fresh = await freshDatabase();
      redis = engine === 'redis' ? await redisOrNull() : null;
      await admitPeople(fresh.pool, CONNECTIONS, PEOPLE);
      const place = {
        databaseUrl: fresh.url,
        redisUrl: redis?.url ?? null,
        directoryUrl: directories.url,
        connections: CONNECTIONS,
        directory: { concurrency: AT_ONCE },
        sweep: { every: '1m' },
      };
      workers = Array.from({ length: WORKERS }, (_, n) => startWorker(place, `worker-${n}`));
      await until('two sweeps of each connection', 400_000, async () => {
        mostConnections = Math.max(mostConnections, await countConnections());
        return (await leastSwept()) >= 2;
      });
      for (const worker of workers) expect(await worker.end('SIGTERM')).toBe(0);
      ran = await readRuns();
    }, 600_000);
    afterAll(async () => {
      for (const worker of workers) await worker.end('SIGKILL');
      await directories.close();
      await redis?.release();
      await fresh.drop();
    });

    async function countConnections(): Promise<number> {
      const text = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name <> 'test'`;
      return (await fresh.pool.query<{ n: number }>(text)).rows[0]?.n ?? 0;
    }

    async function leastSwept(): Promise<number> {
      const text = `select count(r.id)::int as n from connections c
      left join sweep_runs r on r.connection_id = c.id and r.state = 'applied'
      group by c.id order by 1 limit 1`;
      return (await fresh.pool.query<{ n: number }>(text)).rows[0]?.n ?? 0;
    }

    async function readRuns(): Promise<readonly Ran[]> {
      const text = `select connection_id as connection, state,
        extract(epoch from started_at)::float8 * 1000 as from,
        extract(epoch from finished_at)::float8 * 1000 as to
      from sweep_runs order by started_at`;
      return (await fresh.pool.query<Ran>(text)).rows;
    }

    const whole = () => ran.filter((run) => run.state === 'applied');

    it('sweep every connection, twice and more, and fail at none', () => {
      const swept = Map.groupBy(whole(), (run) => run.connection);
      expect(swept.size).toBe(CONNECTIONS.length);
      // The last ones may have been stopped in the middle.
      expect(ran.length - whole().length).toBeLessThanOrEqual(WORKERS * 4);
      const states = new Set(ran.map((run) => run.state));
      for (const state of states) expect(['applied', 'incomplete']).toContain(state);
    });

    it('never two of them one connection: by its runs', () => {
      for (const runs of Map.groupBy(whole(), (run) => run.connection).values()) {
        for (const [index, run] of runs.entries()) {
          const before = runs[index - 1];
          if (before !== undefined) expect(run.from).toBeGreaterThanOrEqual(before.to);
        }
      }
    });

    it('never two of them one connection: by what the directory saw', () => {
      const asked = Map.groupBy(directories.log, (one) => one.connection);
      for (const { connection, from, to } of whole()) {
        const meanwhile = (asked.get(connection) ?? []).filter(({ at }) => at >= from && at <= to);
        expect(new Set(meanwhile.map(({ worker }) => worker)).size).toBe(1);
      }
    });

    it('and no more at once than their directory stands', () => {
      const edges = whole().flatMap(({ from, to }) => [
        { at: from, by: 1 },
        { at: to, by: -1 },
      ]);
      edges.sort((a, b) => a.at - b.at || a.by - b.by);
      let [now, most] = [0, 0];
      for (const { by } of edges) {
        now += by;
        most = Math.max(most, now);
      }
      expect(most).toBeLessThanOrEqual(AT_ONCE);
      expect(most).toBeGreaterThan(1);
    });

    it('with a fair share for each, and with few connections to Postgres', () => {
      const shares = shareOf(directories.log);
      expect([...shares.keys()].sort()).toEqual(workers.map(({ name }) => name).sort());
      for (const share of shares.values()) expect(share).toBeGreaterThan(0.08);
      // The pool of 10, and BullMQ's own: 3 for the queue, 3 for the worker, one that listens.
      expect(mostConnections).toBeLessThanOrEqual(WORKERS * 18);
      const seconds = (Number(ran.at(-1)?.to) - Number(ran[0]?.from)) / 1000;
      const said = [...shares].map(([name, share]) => `${name} ${Math.round(share * 100)} %`);
      process.stdout.write(
        `${engine}: ${whole().length} sweeps in ${Math.round(seconds)} s, ${said.sort().join(', ')}; ` +
          `at most ${mostConnections} connections to Postgres\n`,
      );
    });
  },
);

/** Which part of the listings each worker did. */
function shareOf(log: readonly Asked[]): ReadonlyMap<string, number> {
  const begun = log.filter(({ path }) => path === '/Users');
  const byWorker = Map.groupBy(begun, ({ worker }) => worker);
  return new Map([...byWorker].map(([name, some]) => [name, some.length / begun.length]));
}
