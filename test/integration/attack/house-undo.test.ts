import { apply } from '@rollcall/shared/access/apply';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import { inTransaction } from '@rollcall/shared/db/database';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OPERATOR } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';

/** Somebody takes a plan back, because it was wrong; and then it happens again. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 60);

function undo(plan: string, minute: number) {
  return undoPlan({
    db: house.db,
    plan,
    operator: 'oda',
    reason: 'the directory was wrong',
    privilegedRoles: new Set(['admin']),
    clock: () => house.sweepTime(minute),
  });
}

/** The directory loses somebody, who is swept out; the plan is taken back. */
async function loseAndTakeBack(name: string): Promise<void> {
  await house.hire(CROWD);
  await house.sweep(1);
  house.directory.dismiss(name);
  await house.sweep(10);
  const swept = await house.sweep(20);
  expect(await house.stateOf(name)).toBe('deactivated');
  expect(await undo(swept.runId, 21)).toMatchObject({ undone: 1 });
}

function protect(name: string, minute: number, kind: 'protect' | 'unprotect' = 'protect') {
  return inTransaction(house.db, async (tx) => {
    const change = { kind, userId: await house.idOf(name), evidence: {} };
    return applyToPerson(tx, change, OPERATOR, house.sweepTime(minute));
  });
}

describe('a plan that was taken back', () => {
  it.each([
    ['the canary is not found', { lookUpsBlind: true }],
    ['no look-up is answered', { lookUpsUnknown: true }],
  ])('does not happen again because %s once', async (_, faults) => {
    await loseAndTakeBack('p000');
    house.directory.faults = faults;
    await house.sweep(30);
    house.directory.faults = {};
    await house.sweep(45);
    await house.sweep(60);
    expect(await house.stateOf('p000')).not.toBe('deactivated');
  });

  it('does not happen again by way of a suspicion that nobody has seen', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.dismiss('p000');
    const suspected = await house.sweep(10);
    expect(await house.stateOf('p000')).toBe('suspected');
    await undo(suspected.runId, 11);
    for (const minute of [20, 35, 50, 65]) await house.sweep(minute);
    expect(await house.stateOf('p000')).not.toBe('deactivated');
  });

  it('lets no other plan go on that was broken off', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.set('p000', { standing: 'disabled' });
    const first = await house.sweep(10);
    for (const name of ['p001', 'p002']) house.directory.set(name, { standing: 'disabled' });
    await house.pool.query(`create sequence broken_off; create function break_off() returns trigger language plpgsql as $$
      begin if new.state = 'deactivated' and nextval('broken_off') > 1 then raise 'disk full'; end if; return new; end $$;
      create trigger break_off before update on users for each row execute function break_off()`);
    expect((await house.sweep(20)).code).toBe('internal');
    await house.pool.query('drop trigger break_off on users');
    await undo(first.runId, 21);
    const before = Object.values(await house.states()).filter((state) => state === 'active');
    await house.sweep(22);
    const after = Object.values(await house.states()).filter((state) => state === 'active');
    expect(after).toHaveLength(before.length);
  });

  it('comes back whole, also for whom an administrator has protected in the meantime', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.set('p000', { standing: 'disabled' });
    const swept = await house.sweep(10);
    await protect('p000', 11);
    expect(await undo(swept.runId, 12)).toMatchObject({ undone: 1, skipped: 0 });
    expect(await house.stateOf('p000')).toBe('active');
  });

  it('gives no access back to whom an administrator has shut out since', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.set('p000', { standing: 'disabled' });
    const swept = await house.sweep(10);
    const out = {
      kind: 'deactivate' as const,
      userId: await house.idOf('p000'),
      expectedVersion: null,
      observedAt: null,
      reason: 'by_admin',
      evidence: {},
    };
    await inTransaction(house.db, (tx) => apply(tx, out, OPERATOR, house.sweepTime(11)));
    await protect('p000', 12);
    await undo(swept.runId, 13);
    expect(await house.stateOf('p000')).toBe('deactivated');
  });
});

describe('a plan that waits', () => {
  it('takes nobody who was protected after it was made', async () => {
    await house.hire(CROWD, ['analysts', 'editors']);
    await house.sweep(1);
    house.directory.set('p000', { standing: 'disabled' });
    house.directory.set('p001', { groups: ['analysts'] });
    house.directory.dismiss('p002');
    house.directory.onPage = async (page) => {
      if (page === 5) for (const name of ['p000', 'p001', 'p002']) await protect(name, 9);
    };
    await house.sweep(10);
    await house.sweep(20);
    expect(await house.stateOf('p000')).toBe('active');
    expect(await house.stateOf('p002')).toBe('active');
    expect(await house.rolesOf('p001')).toEqual(['analyst', 'editor']);
  });
});
