import { besideLines } from '@rollcall/cli/render/explanation';
import { findUser } from '@rollcall/shared/db/users';
import { besideState } from '@rollcall/shared/explanation/beside-state';
import { showPlan } from '@rollcall/sweeper/plan/read';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit, at, noteSignIn } from '../access/people.ts';
import { type House, names, openHouse, sweepOver } from './house.ts';

const DAY = 24 * 60;
const CROWD = names('p', 40);

let house: House;
beforeEach(async () => {
  house = await openHouse();
  await house.hire(CROWD);
  await roster(1);
});
afterEach(() => house.drop());

/** A directory of which nobody can ask for one person, with a date of its own. */
function sweepOfRoster() {
  const { directory } = house;
  const sweep = sweepOver(
    Object.assign(Object.create(directory), {
      capabilities: { lookUp: false, groups: true },
    }),
  );
  const { policy } = sweep;
  return { ...sweep, policy: { ...policy, misses: { needed: 4, apartMs: DAY * 60_000 } } };
}

/** A new roster of this minute, read ten minutes later, while others sign in. */
async function roster(minute: number, readAt = minute + 10) {
  house.directory.asOf = house.sweepTime(minute);
  await noteSignIn(house, readAt * 60);
  const result = await house.sweep(readAt, sweepOfRoster());
  expect(house.directory.lookedUp).toEqual([]);
  return result;
}

async function contained(): Promise<string[]> {
  const states = Object.entries(await house.states());
  return states.filter(([, state]) => state === 'contained').map(([name]) => name);
}

describe('a roster that lacks somebody', () => {
  it('contains them, and deactivates them on the fourth day', async () => {
    house.directory.dismiss('p000');
    const first = await roster(DAY);
    expect(first).toMatchObject({
      state: 'applied',
      counts: { 'contain absent_unconfirmable': 1 },
    });
    expect(await contained()).toEqual(['p000']);
    expect(await house.liveSessions('p000')).toBe(1);
    for (const day of [2, 3]) {
      expect((await roster(day * DAY)).counts).toMatchObject({ 'keep waiting_for_misses': 1 });
      // Read again and again, it is the same roster.
      for (const later of [30, 60]) await roster(day * DAY, day * DAY + later);
      expect(await house.stateOf('p000')).toBe('contained');
    }
    const last = await roster(4 * DAY);
    expect(last.counts).toMatchObject({ 'deactivate absent_repeatedly': 1 });
    expect(await house.stateOf('p000')).toBe('deactivated');
    expect((await house.auditOf('p000')).slice(-2)).toEqual(['user.contained', 'user.deactivated']);
    // Only a roster brings them back.
    house.directory.employ('p000');
    expect((await roster(5 * DAY)).counts).toMatchObject({ 'restore listed_again': 1 });
    expect(await house.stateOf('p000')).toBe('active');
  });

  it('is answered by one fresh sign-in, and begins anew with the next roster', async () => {
    house.directory.dismiss('p000');
    await roster(DAY);
    await admit(house, 'p000', ['analyst'], (DAY + 60) * 60);
    expect(await house.stateOf('p000')).toBe('active');
    // Read once more, the old roster is older than the sign-in.
    expect((await roster(DAY, DAY + 90)).counts).toMatchObject({ 'keep signed_in_since': 1 });
    for (const day of [2, 3, 4]) await roster(day * DAY);
    expect(await house.stateOf('p000')).toBe('contained');
    await roster(5 * DAY);
    expect(await house.stateOf('p000')).toBe('deactivated');
  });

  it('releases whom the next one names, and forgets the misses', async () => {
    house.directory.dismiss('p000');
    await roster(DAY);
    house.directory.employ('p000');
    expect((await roster(2 * DAY)).counts).toMatchObject({ 'release suspicion_cleared': 1 });
    expect(await house.stateOf('p000')).toBe('active');
    const { rows } = await house.pool.query('select count(*)::int as n from misses');
    expect(rows).toEqual([{ n: 0 }]);
  });

  it('contains nobody while nobody could answer by signing in', async () => {
    house.directory.dismiss('p000');
    house.directory.asOf = house.sweepTime(3 * DAY);
    const result = await house.sweep(3 * DAY, sweepOfRoster());
    expect(result.counts).toMatchObject({ 'keep sign_in_doubtful': 1 });
    expect(await house.stateOf('p000')).toBe('active');
    // Once somebody has signed in, the same roster does.
    expect((await roster(3 * DAY)).counts).toMatchObject({ 'contain absent_unconfirmable': 1 });
  });

  it('is held where it lacks many, and nobody is asked for anything', async () => {
    house.directory.dismiss(...CROWD.slice(0, 4));
    const result = await roster(DAY);
    expect(result).toMatchObject({ state: 'held', heldWhy: [{ class: 'absence' }] });
    expect(await contained()).toEqual([]);
    const user = await findUser(house.db, await house.idOf('p000'));
    if (user === null) throw new Error('expected p000');
    const plan = expect.stringMatching(/^[0-9a-f]{64}$/);
    const beside = await besideState(house.db, user, house.sweepTime(DAY + 11));
    expect(beside).toMatchObject({
      held: [{ plan, decision: 'contain', reason: 'absent_unconfirmable' }],
      silence: null,
    });
    expect(besideLines(beside, house.sweepTime(DAY + 11))).toEqual([
      expect.stringMatching(/^ {2}held: plan [0-9a-f]{12} would contain \(not listed, and the/),
    ]);
    // What has expired holds nobody.
    expect((await besideState(house.db, user, house.sweepTime(3 * DAY))).held).toEqual([]);
  });

  it('proves nothing where it is older than the last one', async () => {
    house.directory.dismiss('p000');
    const result = await roster(0, 60);
    expect(result).toMatchObject({ state: 'incomplete', code: 'listing.went_back' });
    expect(await contained()).toEqual([]);
  });

  it('deactivates at once whom it calls disabled, unless they signed in since it was written', async () => {
    house.directory.set('p001', { standing: 'disabled' });
    house.directory.set('p002', { standing: 'disabled' });
    await admit(house, 'p002', ['analyst'], (DAY + 5) * 60);
    await roster(DAY);
    expect(await house.stateOf('p001')).toBe('deactivated');
    expect(await house.stateOf('p002')).toBe('active');
  });

  it('can be taken back: contained, and then deactivated', async () => {
    house.directory.dismiss('p000');
    const { runId } = await roster(DAY);
    const undo = (minute: number, plan: string) =>
      undoPlan({
        db: house.db,
        plan,
        operator: 'oda',
        reason: 'the partner sent the wrong file',
        privilegedRoles: new Set(['admin']),
        clock: () => house.sweepTime(minute),
      });
    expect(await undo(DAY + 20, runId)).toMatchObject({ undone: 1, skipped: 0 });
    expect(await house.stateOf('p000')).toBe('active');
    expect((await house.auditOf('p000')).at(-1)).toBe('user.undone');
    const view = await showPlan(house.db, runId, { limit: 5, now: at(0) });
    expect(view.lines).toMatchObject([{ decision: 'contain', undo: 'undone' }]);
    // Until a person has looked, the next one only plans.
    expect(await roster(2 * DAY)).toMatchObject({ planOnlyBecause: 'undone', state: 'planned' });
    expect(await house.stateOf('p000')).toBe('active');
  });
});
