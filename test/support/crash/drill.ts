import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import type pg from 'pg';
import { admit, openScene, type Scene } from '../../integration/access/people.ts';
import { copyDatabase, type FreshDatabase } from '../../setup/database.ts';
import { doWork, PEOPLE, sweepOf, type Work } from './scene.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/** How a child ended. */
export interface Ended {
  readonly killed: boolean;
  /** The statement at which it died, or how many there were. */
  readonly said: string;
}

/** A scene in which the same work can be begun over and over, each time from the same state. */
export interface Drill {
  readonly work: Work;
  /** How many statements the work sends when nothing disturbs it. */
  readonly statements: number;
  /** What is left when nothing disturbed it. */
  readonly undisturbed: Picture;
  /** Kills a worker at a statement, lets others finish, and says what is left. */
  killAt(number: number, when: 'before' | 'sent'): Promise<Killed>;
  close(): Promise<void>;
}

export interface Killed {
  readonly ended: Ended;
  /** Where the run stood, by its checkpoint. */
  readonly step: string | null;
  readonly left: Picture;
}

export async function openDrill(work: Work): Promise<Drill> {
  const scene = await openScene();
  await prepare(scene, work);
  const reference = await copyDatabase(scene);
  const child = await runChild(reference.url, work, 0, 'before');
  if (child.killed) throw new Error(`the undisturbed child was killed: ${child.said}`);
  const undisturbed = await goOn(reference, work);
  await reference.drop();
  return {
    work,
    statements: Number(child.said),
    undisturbed,
    killAt: async (number, when) => {
      const copy = await copyDatabase(scene);
      try {
        const ended = await runChild(copy.url, work, number, when);
        const step = await latestStep(copy.pool);
        // As if the time had passed after which a lease runs out.
        await copy.pool.query("update sweep_leases set expires_at = now() - interval '1 second'");
        return { ended, step, left: await goOn(copy, work) };
      } finally {
        await copy.drop();
      }
    },
    close: () => scene.drop(),
  };
}

/** People sign in; the roll is called twice, so that one of them has been missing once. */
async function prepare(scene: Scene, work: Work): Promise<void> {
  for (const name of PEOPLE) await admit(scene, name, ['analyst'], 60);
  await sweepIt(scene.pool, 'before', work);
  await sweepIt(scene.pool, 'noticed', work);
  if (work !== 'sweep') await sweepIt(scene.pool, 'after', work);
  if (work === 'undo') await sweepIt(scene.pool, 'after', work);
}

async function sweepIt(pool: pg.Pool, when: 'before' | 'noticed' | 'after', work: Work) {
  const tools = { db: overPool(pool), log: createLog('silent'), clock: currentTime };
  const result = await runSweep(sweepOf(when, work), 'schedule', tools);
  if (result.kind === 'busy') throw new Error('the lease is not free');
}

/** What another worker does after the first: the work itself once more, and then the next sweeps. */
async function goOn({ pool }: Pick<FreshDatabase, 'pool'>, work: Work): Promise<Picture> {
  if (work === 'sweep') {
    for (const _ of [1, 2]) await doWork('sweep', pool);
  } else {
    // Where the first had ended already, there is nothing left to do, and it says so.
    await doWork(work, pool).catch((error: { code?: string }) => {
      if (error.code !== 'plan.nothing_to_undo' && error.code !== 'plan.not_waiting') throw error;
    });
  }
  return takePicture(pool);
}

async function runChild(
  url: string,
  work: Work,
  number: number,
  when: 'before' | 'sent',
): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ['--conditions=source', CHILD, url, work, String(number), when],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the child failed: ${said}`);
  return { killed: signal === 'SIGKILL', said };
}

async function latestStep(pool: pg.Pool): Promise<string | null> {
  const text = 'select step from sweep_runs order by started_at desc limit 1';
  return (await pool.query<{ step: string | null }>(text)).rows[0]?.step ?? null;
}

/** Everything that must be the same whether or not somebody was killed. */
export type Picture = Readonly<Record<string, unknown>>;

async function takePicture(pool: pg.Pool): Promise<Picture> {
  const { rows } = await pool.query<Picture>(`select
    (select json_agg(json_build_array(subject, state, cause, state_reason) order by subject)
       from users) as users,
    (select json_agg(json_build_array(subject, role, channel, seen_in) order by subject, role)
       from grants join users on id = user_id) as grants,
    (select json_agg(json_build_array(subject, ended_reason) order by subject)
       from sessions s join users u on u.id = s.user_id) as sessions,
    ${countsOf('audit_events', 'a')} as audit,
    ${countsOf('outbox', 'o')} as outbox,
    (select count(*)::int from sweep_leases where expires_at > clock_timestamp()) as leases_held,
    (select count(*)::int from sweep_runs where state in ('listing', 'deciding', 'applying'))
      as runs_open,
    (select count(*)::int from plans where state in ('drafting', 'applying', 'undoing'))
      as plans_open,
    (select count(*)::int from plan_lines join plans using (run_id)
      where outcome is null and not waits and state <> 'superseded') as lines_open`);
  const [picture] = rows;
  if (picture === undefined) throw new Error('there is no picture');
  return picture;
}

/**
 * How often each change of somebody's access was told. A first absence that is confirmed
 * by the run after the one that died is never called a suspicion, so that is not counted.
 */
function countsOf(table: string, alias: string): string {
  return `(select json_agg(json_build_array(subject, kind, n) order by subject, kind)
    from (select u.subject, ${alias}.kind, count(*)::int as n
            from ${table} ${alias} join users u on u.id = ${alias}.user_id
           where ${alias}.kind in ('user.deactivated', 'user.restored', 'roles.changed', 'user.undone')
           group by 1, 2) as counted)`;
}
