import { readdir, readFile } from 'node:fs/promises';
import type pg from 'pg';

const TICKS_A_SECOND = 100;

/**
 * The cores' time that a Postgres on this machine has had, all its processes together, in
 * milliseconds; null where the system does not say (it is Linux that does, in /proc). Of
 * processes that have ended, the postmaster's count tells.
 */
export async function postgresCpuMs(pool: pg.Pool): Promise<number | null> {
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const own = await readStat(String(rows[0]?.pid));
  if (own === null) return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map(readStat));
  let ticks = 0;
  for (const stat of all) {
    if (stat?.pid === own.parent) ticks += stat.ticks + stat.ticksOfEnded;
    else if (stat?.parent === own.parent) ticks += stat.ticks;
  }
  return (ticks * 1_000) / TICKS_A_SECOND;
}

interface Stat {
  readonly pid: string;
  readonly parent: string;
  readonly ticks: number;
  readonly ticksOfEnded: number;
}

/** Fields 4 and 14 to 17 of proc_pid_stat(5); the name before them may hold anything. */
async function readStat(pid: string): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    pid,
    parent: fields[1] ?? '',
    ticks: number(14) + number(15),
    ticksOfEnded: number(16) + number(17),
  };
}
