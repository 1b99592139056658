import { setTimeout as sleep } from 'node:timers/promises';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { endLeftRuns } from '@rollcall/sweeper/jobs/left-runs';
import { history, type SweepRecord } from '@rollcall/sweeper/plan/read';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type House, names, openHouse } from './house.ts';

const PEOPLE = 120;

let house: House;
beforeEach(async () => {
  house = await openHouse();
  house.directory.pageSize = 40;
  await house.hire(names('p', PEOPLE));
  await house.sweep(1, {}, { clock: currentTime });
});
afterEach(() => house.drop());

async function latest(): Promise<SweepRecord> {
  const [record] = await history(house.db, { limit: 1 });
  if (record === undefined) throw new Error('there is no sweep');
  return record;
}

/** Sweeps, and stops the worker once it has applied a few lines. */
async function breakOffApplying(): Promise<number> {
  for (const name of names('p', PEOPLE))
    house.directory.set(name, { groups: ['analysts', 'editors'] });
  const stop = new AbortController();
  const sweeping = house.sweep(10, {}, { clock: currentTime, signal: stop.signal });
  while ((await linesApplied()) < 5) await sleep(5);
  stop.abort();
  expect(await sweeping).toMatchObject({ state: 'applying' });
  return linesApplied();
}

async function linesApplied(): Promise<number> {
  const text = "select count(*) as n from plan_lines where outcome = 'applied'";
  return Number((await house.pool.query(text)).rows[0]?.n);
}

it('says at each step how far the run has come', async () => {
  const seen: SweepRecord[] = [];
  house.directory.onPage = async (page) => {
    if (page === 2) seen.push(await latest());
  };
  house.directory.dismiss('p001');
  house.directory.onLookUp = async (id) => {
    if (id === 'p001') seen.push(await latest());
  };
  await house.sweep(10, {}, { clock: currentTime });
  seen.push(await latest());
  expect(seen.map(({ step, activity }) => ({ step, activity }))).toEqual([
    { step: 'listing', activity: 'running' },
    { step: 'looking_up', activity: 'running' },
    { step: 'applying', activity: 'ended' },
  ]);
  expect(seen[0]?.progress).toEqual({ pages: 1, rows: 40 });
  expect(seen[2]?.progress).toMatchObject({
    people: PEOPLE,
    of_people: PEOPLE,
    lines: 1,
    of_lines: 1,
  });
  expect(seen[2]?.progressAt).not.toBeNull();
});

it('a run that was broken off while it applied is gone on with', async () => {
  const applied = await breakOffApplying();
  expect(await latest()).toMatchObject({ state: 'applying', activity: 'left' });
  const next = await house.sweep(11, {}, { clock: currentTime });
  expect(next).toMatchObject({ state: 'applied', finishedEarlier: PEOPLE - applied, applied: 0 });
});

it('but not with what another version of the program has stored: that is decided anew', async () => {
  const applied = await breakOffApplying();
  await house.pool.query("update sweep_runs set checkpoint_version = 0 where state = 'applying'");
  const next = await house.sweep(11, {}, { clock: currentTime });
  expect(next).toMatchObject({ state: 'applied', finishedEarlier: 0, applied: PEOPLE - applied });
  const { rows } = await house.pool.query(
    `select (select count(*)::int from audit_events where kind = 'roles.changed') as audits,
            (select count(*)::int from outbox where kind = 'roles.changed') as messages,
            (select count(*)::int from grants where role = 'editor') as editors,
            (select code from sweep_runs where checkpoint_version = 0) as code`,
  );
  expect(rows).toEqual([
    { audits: PEOPLE, messages: PEOPLE, editors: PEOPLE, code: 'sweep.interrupted' },
  ]);
});

it('a run whose worker went away is told apart from one that is at work', async () => {
  house.directory.onPage = async (page) => {
    if (page !== 1) return;
    expect(await latest()).toMatchObject({ state: 'listing', activity: 'running' });
    await house.pool.query("update sweep_leases set expires_at = now() - interval '1 second'");
    expect(await latest()).toMatchObject({ state: 'listing', activity: 'left' });
  };
  await house.sweep(10, {}, { clock: currentTime });
  expect(await latest()).toMatchObject({ activity: 'ended' });
});

it('a run that was left of a connection that nobody sweeps any more is marked all the same', async () => {
  const stop = new AbortController();
  house.directory.onPage = async () => {
    // As if it had died here: nothing of it is written any more.
    await house.pool.query('update sweep_leases set fence = fence + 1, expires_at = now()');
    stop.abort();
  };
  const dying = house.sweep(10, {}, { clock: currentTime, signal: stop.signal });
  await expect(dying).rejects.toMatchObject({ code: 'sweep.lease_lost' });
  expect(await latest()).toMatchObject({ state: 'listing', activity: 'left' });
  await endLeftRuns(house.db, new Set(['acme']), currentTime());
  expect(await latest()).toMatchObject({ state: 'listing' });
  await endLeftRuns(house.db, new Set(), currentTime());
  expect(await latest()).toMatchObject({ state: 'failed', code: 'sweep.interrupted' });
});
