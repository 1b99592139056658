import { toConnectionId } from '@rollcall/shared/core/ids';
import { noteDays } from '@rollcall/shared/db/connection-days';
import { findUser } from '@rollcall/shared/db/users';
import { besideState, silencesTold } from '@rollcall/shared/explanation/beside-state';
import { noDirectory } from '@rollcall/sweeper/directories/no-directory';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit, assertion, run, SWEEP, signInOf, step } from '../access/people.ts';
import { type House, names, openHouse, sweepOver } from './house.ts';

const DAY = 24 * 60;
const CROWD = names('p', 40);
const SILENCE = { deactivateDays: 90, warnDays: [76, 87] };
const ACME = toConnectionId('acme');

let house: House;
beforeEach(async () => {
  house = await openHouse();
  await house.hire(CROWD);
});
afterEach(() => house.drop());

/** A sweep of silence alone. */
function alone(): ConnectionSweep {
  const sweep = sweepOver(noDirectory());
  return { ...sweep, policy: { ...sweep.policy, silence: { ...SILENCE, alone: true } } };
}

/** The service was there on these days, and people could sign in. */
function open(from: number, to: number): Promise<void> {
  const notes = Array.from({ length: to - from + 1 }, (_, index) => {
    const at = house.sweepTime((from + index) * DAY + 1);
    return { connectionId: ACME, at, accepted: false, refused: 0 };
  });
  return noteDays(house.db, notes);
}

async function signIn(who: readonly string[], day: number): Promise<void> {
  for (const name of who) await admit(house, name, ['analyst'], day * DAY * 60 + 60);
}

async function warnings(): Promise<unknown[]> {
  const { rows } = await house.pool.query(
    `select u.subject, w.days from silence_warnings w join users u on u.id = w.user_id
      order by u.subject, w.days`,
  );
  return rows.map(({ subject, days }) => `${subject} ${days}`);
}

async function notified(): Promise<number> {
  const { rows } = await house.pool.query(
    "select count(*)::int as n from notifications where event = 'silence.warning'",
  );
  return rows[0]?.n ?? 0;
}

describe('silence, where there is no directory', () => {
  it('is told twice, ends access, and is ended by an entirely new sign-in', async () => {
    const [quiet, ...others] = CROWD;
    await open(0, 200);
    expect(await house.sweep(DAY, alone())).toMatchObject({
      state: 'applied',
      planOnlyBecause: 'first_sweep',
      rows: null,
      counts: { 'keep not_silent': 40 },
    });
    await signIn(others, 60);
    await house.sweep(76 * DAY - 60, alone());
    expect(await warnings()).toEqual([]);
    for (const minute of [77 * DAY, 77 * DAY + 30, 80 * DAY, 88 * DAY]) {
      await house.sweep(minute, alone());
    }
    expect(await warnings()).toEqual([`${quiet} 76`, `${quiet} 87`]);
    expect(await notified()).toBe(2);
    const user = await findUser(house.db, await house.idOf('p000'));
    const now = house.sweepTime(89 * DAY);
    const beside = user === null ? null : await besideState(house.db, user, now);
    expect(beside).toMatchObject({ held: [], silence: { days: 87 } });
    const ids = await Promise.all(CROWD.map(async (name) => ({ id: await house.idOf(name) })));
    expect([...(await silencesTold(house.db, ids))]).toEqual([[user?.id, 87]]);
    expect(new Set(Object.values(await house.states()))).toEqual(new Set(['active']));

    const end = await house.sweep(91 * DAY, alone());
    expect(end).toMatchObject({ applied: 1, counts: { 'deactivate silent': 1 } });
    expect(await house.stateOf('p000')).toBe('deactivated');
    const { rows } = await house.pool.query(
      "select evidence from audit_events where kind = 'user.deactivated'",
    );
    expect(rows[0]?.evidence).toMatchObject({ class: 'E4', silentDays: 91 });

    const seconds = 92 * DAY * 60;
    const stale = signInOf('p000', ['analyst'], seconds, {
      authenticatedAt: house.sweepTime(50 * DAY),
      vouching: 'assertion',
    });
    expect(await run(house, stale, assertion(), seconds)).toMatchObject({
      code: 'assertion_too_old',
    });
    await admit(house, 'p000', ['analyst'], seconds + 60, { vouching: 'assertion' });
    expect(await house.stateOf('p000')).toBe('active');
    expect(await house.rolesOf('p000')).toEqual(['analyst']);
    expect((await house.sweep(93 * DAY, alone())).counts).toMatchObject({ 'keep not_silent': 40 });
  });

  it('does not count days of an outage: nobody loses anything after 90 of them', async () => {
    await open(0, 5);
    await house.sweep(DAY, alone());
    await open(95, 110);
    const after = await house.sweep(110 * DAY, alone());
    expect(after.counts).toEqual({ 'keep not_silent': 40 });
    expect(await warnings()).toEqual([]);
  });

  it('of many is held, and waits for a person', async () => {
    await open(0, 200);
    await house.sweep(DAY, alone());
    const held = await house.sweep(100 * DAY, alone());
    expect(held).toMatchObject({ state: 'held', applied: 0, waiting: 40 });
    expect(new Set(Object.values(await house.states()))).toEqual(new Set(['active']));
  });

  it('is not the end of who signs in before the plan is applied, and can be taken back', async () => {
    const [first, second, ...others] = CROWD;
    await open(0, 200);
    await house.sweep(DAY, alone());
    await signIn(others, 60);
    // One signs in while the plan is being made: a newer sign-in wins at apply.
    await house.sweep(92 * DAY, { ...alone(), mode: 'approve' });
    await signIn([first ?? ''], 93);
    const applied = await house.sweep(93 * DAY + 30, alone());
    expect(applied.counts).toMatchObject({ 'deactivate silent': 1 });
    expect(await house.stateOf(second ?? '')).toBe('deactivated');
    const before = await house.rolesOf(second ?? '');
    const undone = await undoPlan({
      db: house.db,
      plan: applied.runId,
      operator: 'oda',
      reason: 'on parental leave',
      privilegedRoles: new Set(['admin']),
      clock: () => house.sweepTime(94 * DAY),
    });
    expect(undone).toMatchObject({ undone: 1 });
    expect(await house.stateOf(second ?? '')).toBe('active');
    expect(await house.rolesOf(second ?? '')).toEqual(before);
    // Until a person has looked, the next one only plans.
    expect(await house.sweep(95 * DAY, alone())).toMatchObject({ planOnlyBecause: 'undone' });
  });
});

it('ends the access of the silent beside a directory that lists them, once', async () => {
  const [quiet, ...others] = CROWD;
  const more = sweepOver(house.directory);
  const beside = { policy: { ...more.policy, silence: { ...SILENCE, alone: false } } };
  await open(0, 200);
  await house.sweep(DAY, beside);
  await signIn(others, 60);
  await house.sweep(88 * DAY, beside);
  expect(await warnings()).toEqual([`${quiet} 87`]);
  expect((await house.sweep(91 * DAY, beside)).counts).toMatchObject({ 'deactivate silent': 1 });
  // It is listed still, and stays out until it signs in.
  expect((await house.sweep(92 * DAY, beside)).counts).toMatchObject({
    'keep already_deactivated': 1,
  });
  const seconds = 93 * DAY * 60;
  await admit(house, quiet ?? '', ['analyst'], seconds);
  expect(await house.stateOf(quiet ?? '')).toBe('active');
  // Whom the directory has ended, a sign-in does not bring back.
  await run(house, step('deactivate', await house.idOf(quiet ?? '')), SWEEP, seconds + 60);
  const refused = signInOf(quiet ?? '', ['analyst'], seconds + 120);
  expect(await run(house, refused, assertion(), seconds + 120)).toMatchObject({
    code: 'deactivated',
  });
});
