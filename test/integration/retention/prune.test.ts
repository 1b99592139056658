import { createLog } from '@rollcall/shared/telemetry/log';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { pruneIfDue } from '@rollcall/sweeper/retention/keep';
import { pruneAll } from '@rollcall/sweeper/retention/prune';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { at } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';

const DAY = 86_400;
const RETENTION = {
  runsMs: 400 * DAY * 1000,
  lookUpsMs: 90 * DAY * 1000,
  snapshotsMs: 7 * DAY * 1000,
  deactivatedMs: 30 * DAY * 1000,
  scimRequestsMs: 30 * DAY * 1000,
};
const going = new AbortController().signal;

let house: House;
beforeAll(async () => {
  house = await openHouse();
  await house.hire([...names('p', 40), 'ada']);
  await house.sweep(1);
  house.directory.dismiss('ada');
  await house.sweep(2);
  await house.sweep(10);
});
afterAll(() => house.drop());

async function counts(): Promise<Record<string, number>> {
  const { rows } = await house.pool.query(`
    select (select count(*)::int from sweep_runs) as runs, (select count(*)::int from plans) as plans,
           (select count(*)::int from plan_lines) as lines,
           (select count(*)::int from look_ups) as look_ups,
           (select count(distinct run_id)::int from snapshot_members) as snapshots,
           (select count(*)::int from audit_events) as audit`);
  return rows[0];
}

/** Of the plans that are left, oldest first. */
async function digests(): Promise<string[]> {
  const { rows } = await house.pool.query('select digest from plans order by created_at');
  return rows.map((row) => row.digest);
}

async function approve(digest: string | undefined, minute: number): Promise<void> {
  const moment = new Date(at(minute * 60));
  await house.pool.query(
    `insert into plan_approvals (digest, approver, approver_key, people, reason, at)
     values ($1, 'oda', 'oda', 1, 'right', $2)`,
    [digest, moment],
  );
  await house.pool.query('update plans set approved_at = $2 where digest = $1', [digest, moment]);
}

const prune = (day: number) => pruneAll(house.db, RETENTION, at(day * DAY), going);

it('keeps everything for as long as it is to be kept', async () => {
  expect(await house.stateOf('ada')).toBe('deactivated');
  const before = await counts();
  expect(before.look_ups).toBeGreaterThan(1);
  const nothing = { runs: 0, lookUps: 0, snapshots: 0, purgePlans: 0, retired: 0, scimRequests: 0 };
  expect(await prune(6)).toEqual(nothing);
  expect(await counts()).toEqual(before);
});

it('deletes look-ups after their time, and keeps the last listing, the plans and their undo', async () => {
  const before = await counts();
  const pruned = await prune(100);
  expect(pruned).toMatchObject({ runs: 0, lookUps: before.look_ups, retired: 1 });
  expect(await counts()).toMatchObject({
    runs: before.runs,
    lines: before.lines,
    look_ups: 0,
    snapshots: 1,
  });
});

it('takes a sweep back whose people have become purge-eligible since', async () => {
  expect(await house.stateOf('ada')).toBe('purge_eligible');
  const { rows } = await house.pool.query(
    "select run_id from plan_lines where decision = 'deactivate'",
  );
  await undoPlan({
    db: house.db,
    plan: rows[0].run_id,
    operator: 'oda',
    reason: 'the wrong Ada',
    privilegedRoles: new Set<string>(),
    clock: () => at(100 * DAY),
  });
  // As it was before the line: one look-up had found nobody.
  expect(await house.stateOf('ada')).toBe('suspected');
});

it('deletes old runs whole, two workers at once, but never what the next sweep is compared with', async () => {
  await house.sweep((500 * DAY) / 60);
  // The plan that was taken back keeps the sweeps to planning: it stays.
  expect((await prune(501)).runs).toBeGreaterThan(0);
  expect(await counts()).toMatchObject({ runs: 2, plans: 2 });
  const [old, latest] = await digests();
  await approve(old, 20);
  await approve(latest, (500 * DAY) / 60 + 1);
  const before = await counts();
  const [one, other] = await Promise.all([prune(502), prune(502)]);
  expect(one.runs + other.runs).toBe((before.runs ?? 0) - 1);
  expect(await counts()).toMatchObject({ runs: 1, plans: 1, snapshots: 1, audit: before.audit });
  expect(await prune(5_000)).toMatchObject({ runs: 0, snapshots: 0 });
  const next = await house.sweep((501 * DAY) / 60);
  expect(next.state).not.toBe('incomplete');
});

it('is done once a day, whoever comes first', async () => {
  const tools = { db: house.db, log: createLog('silent'), clock: () => at(501 * DAY) };
  const asked = await Promise.all([1, 2, 3].map(() => pruneIfDue(RETENTION, tools, going)));
  expect(asked.filter(Boolean)).toHaveLength(1);
  expect(await pruneIfDue(RETENTION, tools, going)).toBe(false);
  await house.pool.query("update installation set retention_due_at = now() - interval '1 second'");
  expect(await pruneIfDue(RETENTION, tools, going)).toBe(true);
});
