import type { Config } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { Tx } from '@rollcall/shared/db/database';
import { dayOf } from '@rollcall/shared/db/sign-in-refusals';
import { fromNullableTimestamp, fromTimestamp, toTimestamp } from '@rollcall/shared/db/timestamp';
import { sql } from 'kysely';
import type { ScimSeen } from './rules/scim.ts';
import type { Admissions, Refusals } from './rules/spikes.ts';
import type { SweepsSeen } from './rules/sweeps.ts';

const DAY_MS = 86_400_000;
/** The hour up to now, and seven days before it. */
const HOURS = 1 + 7 * 24;
const MOST_CODES = 5;

type Connections = Config['connections'];

/** What is known of the sweeps of each connection that has one. */
export async function readSweeps(
  tx: Tx,
  connections: Connections,
  now: EpochMs,
): Promise<readonly SweepsSeen[]> {
  const swept = connections.flatMap(({ id, sweep }) => (sweep === null ? [] : [{ id, sweep }]));
  const ids = swept.map(({ id }) => id);
  await rememberWatched(tx, ids, now);
  const { rows } = await sql<{
    id: ConnectionId;
    since: Date;
    good_run: string | null;
    good_at: Date | null;
    runs: number;
    failing_since: Date | null;
    run: string | null;
    code: string | null;
    state: 'failed' | 'incomplete' | null;
  }>`
    select w.connection_id as id, w.since, good.id as good_run, good.started_at as good_at,
           failing.runs, failing.since as failing_since, last.id as run, last.code, last.state
      from watched_connections w
      left join lateral (
        select id, started_at from sweep_runs
         where connection_id = w.connection_id and snapshot_kind = 'complete'
           and state in ('planned', 'held', 'applying', 'applied')
         order by started_at desc limit 1) good on true
      left join lateral (
        select count(*)::int as runs, min(started_at) as since from sweep_runs
         where connection_id = w.connection_id and ${failed('sweep_runs')}
           and (good.started_at is null or started_at > good.started_at)) failing on true
      left join lateral (
        select id, code, state from sweep_runs
         where connection_id = w.connection_id and ${failed('sweep_runs')}
           and (good.started_at is null or started_at > good.started_at)
         order by started_at desc limit 1) last on true
     where w.connection_id = any(${ids}::text[])`.execute(tx);
  const configured = new Map(swept.map(({ id, sweep }) => [id, sweep]));
  return rows.flatMap((row) => {
    const sweep = configured.get(row.id);
    if (sweep === undefined) return [];
    const { everyMs, staleAfter } = sweep;
    return [
      {
        connectionId: row.id,
        everyMs,
        staleAfter,
        since: fromTimestamp(row.since),
        lastGood:
          row.good_run === null || row.good_at === null
            ? null
            : { runId: row.good_run, at: fromTimestamp(row.good_at) },
        failing:
          row.run === null || row.state === null || row.failing_since === null
            ? null
            : {
                runs: row.runs,
                since: fromTimestamp(row.failing_since),
                runId: row.run,
                code: row.code ?? 'internal',
                state: row.state,
              },
      },
    ];
  });
}

/** A worker that was stopped in the middle is no failure of anything. */
function failed(runs: string) {
  const of = (column: string) => sql.ref(`${runs}.${column}`);
  return sql`${of('finished_at')} is not null and ${of('state')} in ('failed', 'incomplete')
    and ${of('code')} is distinct from 'sweep.interrupted'`;
}

/** A connection that is swept no more, and again later, begins anew. */
async function rememberWatched(tx: Tx, ids: readonly string[], now: EpochMs): Promise<void> {
  await sql`
    delete from watched_connections where connection_id <> all(${ids}::text[])`.execute(tx);
  await sql`
    insert into watched_connections (connection_id, since)
    select id, ${toTimestamp(now)} from unnest(${ids}::text[]) as id
    on conflict do nothing`.execute(tx);
}

/** When people were admitted, by each connection. */
export async function readAdmissions(
  tx: Tx,
  connections: Connections,
  now: EpochMs,
): Promise<readonly Admissions[]> {
  const ids = connections.map(({ id }) => id);
  const at = toTimestamp(now);
  const { rows } = await sql<{
    id: ConnectionId;
    first_at: Date | null;
    counts: Record<string, number> | null;
  }>`
    select c.id,
           (select created_at from users where connection_id = c.id and owner = 'roll'
             order by created_at limit 1) as first_at,
           (select jsonb_object_agg(hours_ago, n) from (
              select floor(extract(epoch from ${at}::timestamptz - created_at) / 3600)::int as hours_ago,
                     count(*)::int as n
                from users
               where connection_id = c.id and owner = 'roll' and created_at <= ${at}
                 and created_at > ${at}::timestamptz - make_interval(hours => ${HOURS})
               group by 1) as hours) as counts
      from unnest(${ids}::text[]) as c (id)`.execute(tx);
  return rows.map(({ id, first_at, counts }) => ({
    connectionId: id,
    firstAt: fromNullableTimestamp(first_at),
    byHoursAgo: new Map(Object.entries(counts ?? {}).map(([hours, n]) => [Number(hours), n])),
  }));
}

/** What SCIM clients could not do, by each connection. */
export async function readScim(tx: Tx, connections: Connections): Promise<readonly ScimSeen[]> {
  const rows = await tx.selectFrom('scim_failures').selectAll().execute();
  return connections.map(({ id }) => {
    const row = rows.find(({ connection_id }) => connection_id === id);
    const failing = row === undefined ? null : { ...row, since: fromTimestamp(row.since) };
    return { connectionId: id, failing };
  });
}

/** What was refused today and on the days before, by each connection. */
export async function readRefusals(
  tx: Tx,
  connections: Connections,
  now: EpochMs,
): Promise<readonly Refusals[]> {
  const days = Array.from({ length: 8 }, (_, ago) => dayOf(after(now, -ago * DAY_MS)));
  const [today = '', ...before] = days;
  const ids = connections.map(({ id }) => id);
  const { rows } = await sql<{ id: ConnectionId; day: string; code: string; count: string }>`
    select connection_id as id, to_char(day, 'YYYY-MM-DD') as day, code, count
      from sign_in_refusals
     where connection_id = any(${ids}::text[]) and day = any(${days}::date[])
     order by count desc, code`.execute(tx);
  return connections.map(({ id }) => {
    const of = rows.filter((row) => row.id === id);
    const sumOf = (day: string): number =>
      of.filter((row) => row.day === day).reduce((sum, { count }) => sum + Number(count), 0);
    const codes = of.filter((row) => row.day === today).slice(0, MOST_CODES);
    return {
      connectionId: id,
      today,
      refused: sumOf(today),
      daysBefore: before.map(sumOf),
      codes: codes.map(({ code, count }) => `${code} ${count}`),
    };
  });
}
