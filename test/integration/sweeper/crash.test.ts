import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type House, names, openHouse } from './house.ts';

const PEOPLE = 240;
const WORKER = fileURLToPath(new URL('worker-process.ts', import.meta.url));
const children = new Set<ChildProcess>();

let house: House;
beforeEach(async () => {
  house = await openHouse();
  house.directory.pageSize = 50;
  await house.hire(names('p', PEOPLE));
  await house.sweep(1, {}, { clock: currentTime });
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  await house.drop();
});

/** Starts a worker in a process of its own, over the same database. */
function startWorker(groups: string[], pageDelayMs = 0): ChildProcess {
  const args = ['--conditions=source', WORKER, house.url];
  const child = spawn(
    process.execPath,
    [...args, String(PEOPLE), groups.join(','), String(pageDelayMs)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.add(child);
  return child;
}

/** SIGKILL: no handler runs, nothing is closed. */
async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  children.delete(child);
}

async function count(text: string): Promise<number> {
  const { rows } = await house.pool.query<{ n: string }>(text);
  return Number(rows[0]?.n);
}

const linesApplied = () => count("select count(*) as n from plan_lines where outcome = 'applied'");
const roleAudits = () =>
  count("select count(*) as n from audit_events where kind = 'roles.changed'");

async function until(check: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 20_000; performance.now() < deadline; ) {
    if (await check()) return;
    await sleep(5);
  }
  throw new Error('waited 20 s in vain');
}

async function whenLeaseIsFree(): Promise<void> {
  const text = 'select count(*) as n from sweep_leases where expires_at > clock_timestamp()';
  await until(async () => (await count(text)) === 0);
}

describe('a worker that is killed', () => {
  it('in the middle of a plan, again and again: every line is applied once, none is lost', async () => {
    const groups = ['analysts', 'editors'];
    const seen: number[] = [];
    for (let kills = 0; kills < 3; kills++) {
      const before = await linesApplied();
      const worker = startWorker(groups);
      await until(async () => (await linesApplied()) > before + 15);
      await kill(worker);
      seen.push(await linesApplied());
      await whenLeaseIsFree();
    }
    const killedAt = seen.at(-1)!;
    expect(killedAt).toBeGreaterThan(15);
    expect(killedAt).toBeLessThan(PEOPLE);
    expect(await count("select count(*) as n from plans where state = 'applying'")).toBe(1);

    for (const name of names('p', PEOPLE)) house.directory.set(name, { groups });
    const finished = await house.sweep(30, {}, { clock: currentTime });
    expect(finished).toMatchObject({ state: 'applied', finishedEarlier: PEOPLE - killedAt });
    expect(finished.counts).toEqual({ 'keep present': PEOPLE });

    expect(await linesApplied()).toBe(PEOPLE);
    expect(await roleAudits()).toBe(PEOPLE);
    const twice = `select count(*) as n from (select user_id from audit_events
      where kind = 'roles.changed' group by user_id having count(*) <> 1) as wrong`;
    expect(await count(twice)).toBe(0);
    const outbox = "select count(*) as n from outbox where kind = 'roles.changed'";
    expect(await count(outbox)).toBe(PEOPLE);
    const editors = "select count(*) as n from grants where role = 'editor'";
    expect(await count(editors)).toBe(PEOPLE);
    expect(await count("select count(*) as n from plans where state = 'applying'")).toBe(0);
    expect(await count("select count(*) as n from audit_events where kind = 'plan.applied'")).toBe(
      1,
    );
  });

  it('while it lists: the run counts for nothing, and the next one starts anew', async () => {
    const worker = startWorker(['editors'], 200);
    const rows =
      'select count(*) as n from snapshot_members m join sweep_runs r on r.id = m.run_id';
    await until(async () => (await count(`${rows} where r.state = 'listing'`)) > 0);
    await kill(worker);
    await whenLeaseIsFree();
    const next = await house.sweep(30, {}, { clock: currentTime });
    expect(next).toMatchObject({ state: 'applied', finishedEarlier: 0, rows: PEOPLE });
    expect(
      await count("select count(*) as n from sweep_runs where code = 'sweep.interrupted'"),
    ).toBe(1);
    expect(await roleAudits()).toBe(0);
    expect(await count('select count(*) as n from snapshot_members')).toBe(PEOPLE);
  });
});
