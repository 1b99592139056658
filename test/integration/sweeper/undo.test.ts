import { apply } from '@rollcall/shared/access/apply';
import { inTransaction } from '@rollcall/shared/db/database';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { showPlan } from '@rollcall/sweeper/plan/read';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import type { SweepSummary } from '@rollcall/sweeper/sweep/summary';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 60);

/** State and grants of everybody, as the database holds them, but for the counters that only rise. */
async function everything(): Promise<unknown> {
  const users = await house.pool.query(
    `select subject, state, cause, state_reason, state_changed_at, last_confirmed_at, groups,
            groups_seen_at from users order by subject`,
  );
  const grants = await house.pool.query(
    `select u.subject, g.role, g.connection_id, g.channel, g.seen_in, g.privileged, g.because::text,
            g.first_seen_at, g.last_seen_at
       from grants g join users u on u.id = g.user_id order by u.subject, g.role`,
  );
  return { users: users.rows, grants: grants.rows };
}

function undo(plan: string, minute: number, more: Partial<Parameters<typeof undoPlan>[0]> = {}) {
  return undoPlan({
    db: house.db,
    plan,
    operator: 'oda',
    reason: 'the directory lost a group',
    privilegedRoles: new Set(['admin']),
    clock: () => house.sweepTime(minute),
    ...more,
  });
}

/** Three people leave and three lose a role: all of it is applied, and the run is answered with. */
async function sweepSome(): Promise<{ run: string; before: unknown }> {
  await house.hire(CROWD, ['analysts', 'editors']);
  await house.sweep(1);
  house.directory.dismiss('p000', 'p001');
  await house.sweep(10);
  house.directory.set('p002', { standing: 'disabled' });
  for (const name of ['p003', 'p004', 'p005']) house.directory.set(name, { groups: ['analysts'] });
  const before = await everything();
  const swept = await house.sweep(20);
  expect(swept).toMatchObject({ state: 'applied', applied: 6 });
  return { run: swept.runId, before };
}

async function stateOfPlan(run: string): Promise<unknown> {
  const { rows } = await house.pool.query('select state from plans where run_id = $1', [run]);
  return rows[0]?.state;
}

describe('taking a plan back', () => {
  it('restores state and grants to the byte, and no session', async () => {
    const { run, before } = await sweepSome();
    expect(await house.stateOf('p000')).toBe('deactivated');
    expect(await house.rolesOf('p003')).toEqual(['analyst']);

    expect(await undo(run, 21)).toEqual({ undone: 6, skipped: 0, sessionsEnded: 0 });

    expect(await everything()).toEqual(before);
    expect(await house.liveSessions('p000')).toBe(0);
    expect(await house.liveSessions('p003')).toBe(1);
    expect(await stateOfPlan(run)).toBe('undone');
    expect((await house.auditOf('p000')).at(-1)).toBe('user.undone');
    const view = await showPlan(house.db, run, { limit: 10, now: house.sweepTime(22) });
    expect(view.lines.map((line) => line.undo)).toEqual(Array(6).fill('undone'));
    const told = await house.pool.query<{ kind: string }>(
      `select kind from outbox o join users u on u.id = o.user_id
        where u.subject in ('p000', 'p003') order by o.id desc limit 2`,
    );
    expect(told.rows.map((row) => row.kind).sort()).toEqual(['roles.changed', 'user.restored']);
  });

  it('goes on where it was broken off, and does nothing twice', async () => {
    await house.hire(names('q', 300));
    await house.sweep(1);
    for (const name of names('q', 130)) house.directory.set(name, { standing: 'disabled' });
    const held = await house.sweep(10);
    const digest = held.waitingPlan!.digest;
    const before = await everything();
    for (const approver of ['oda', 'ida']) {
      const approval = { digest, approver, people: 130, reason: 'they left' };
      await approvePlan(house.db, approval, house.sweepTime(11));
    }
    const now = { clock: () => house.sweepTime(12) };
    const sweep = house.sweepOf();
    await applyPlan({ db: house.db, sweep, plan: digest, operator: 'oda', ...now });

    const broken = new AbortController();
    let asked = 0;
    const clock = () => {
      // In the middle of the first hundred: its transaction still commits, and no other begins.
      if (++asked === 50) broken.abort(new Error('the terminal was closed'));
      return house.sweepTime(13);
    };
    await expect(undo(digest, 13, { clock, signal: broken.signal })).rejects.toThrow('closed');
    const half = Object.values(await house.states()).filter((state) => state === 'deactivated');
    expect(half).toHaveLength(30);
    const audits = async () =>
      Number(
        (
          await house.pool.query(
            `select count(*) as n from audit_events where kind = 'user.undone'`,
          )
        ).rows[0].n,
      );
    expect(await audits()).toBe(100);

    expect(await undo(digest, 14)).toEqual({ undone: 130, skipped: 0, sessionsEnded: 0 });
    expect(await everything()).toEqual(before);
    expect(await audits()).toBe(130);
    await expect(undo(digest, 15)).rejects.toMatchObject({ code: 'plan.nothing_to_undo' });
    expect(await audits()).toBe(130);
  });

  it('leaves alone whoever was changed by anything newer', async () => {
    const { run } = await sweepSome();
    const userId = await house.idOf('p000');
    const byHand = {
      kind: 'deactivate' as const,
      userId,
      expectedVersion: null,
      observedAt: null,
      reason: 'by_admin',
      evidence: {},
    };
    const actor = { kind: 'operator' as const, name: 'iris' };
    await inTransaction(house.db, (tx) => apply(tx, byHand, actor, house.sweepTime(21)));
    await admit(house, 'p003', ['analyst'], 22 * 60);

    expect(await undo(run, 23)).toMatchObject({ undone: 4, skipped: 2 });

    expect(await house.stateOf('p000')).toBe('deactivated');
    expect(await house.rolesOf('p003')).toEqual(['analyst']);
    expect(await house.rolesOf('p004')).toEqual(['analyst', 'editor']);
    const view = await showPlan(house.db, run, { limit: 10, now: house.sweepTime(24) });
    const skipped = view.lines.filter((line) => line.undo === 'skipped');
    expect(skipped.map((line) => [line.subject, line.undoWhy]).sort()).toEqual([
      ['p000', 'version_changed'],
      ['p003', 'version_changed'],
    ]);
  });

  it('takes back a return: whoever had come back is out again, sessions and all', async () => {
    const { run } = await sweepSome();
    expect(run).toBeTruthy();
    house.directory.employ('p000', ['analysts', 'editors']);
    const before = await everything();
    const back = await house.sweep(40);
    expect(await house.stateOf('p000')).toBe('active');
    expect(await undo(back.runId, 42)).toMatchObject({ undone: 1, skipped: 0 });

    expect(await house.stateOf('p000')).toBe('deactivated');
    expect(await everything()).toEqual(before);
  });

  it('says what is wrong with the request', async () => {
    const { run } = await sweepSome();
    await expect(undo(run, 21, { reason: ' ' })).rejects.toMatchObject({
      code: 'plan.reason_missing',
    });
    await expect(undo(run, 21, { operator: '' })).rejects.toMatchObject({
      code: 'plan.approver_missing',
    });
    await expect(undo('0123456789', 21)).rejects.toMatchObject({ code: 'plan.not_found' });
    const outcomes = await Promise.allSettled([undo(run, 22), undo(run, 22)]);
    const refused = outcomes.filter((one) => one.status === 'rejected');
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(['sweep.busy', 'plan.nothing_to_undo']).toContain(reason.code);
    }
    expect(refused).toHaveLength(1);
  });
});

describe('after an undo', () => {
  const disable = (...people: string[]) => {
    for (const name of people) house.directory.set(name, { standing: 'disabled' });
  };

  it('sweeps only plan, however often, until a person approves a plan', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    disable('p000', 'p001');
    const first = await house.sweep(10);
    await undo(first.runId, 11);
    for (const minute of [20, 35, 50]) {
      const swept = await house.sweep(minute);
      expect(swept).toMatchObject({ state: 'planned', planOnlyBecause: 'undone', applied: 0 });
      expect(await house.stateOf('p000')).toBe('active');
    }
    const shown = (await house.sweep(60)) as SweepSummary;
    await applyPlan({
      db: house.db,
      sweep: house.sweepOf(),
      plan: shown.waitingPlan!.digest,
      operator: 'oda',
      clock: () => house.sweepTime(61),
    });
    expect(await house.stateOf('p000')).toBe('deactivated');
    disable('p002');
    expect(await house.sweep(75)).toMatchObject({ state: 'applied', planOnlyBecause: null });
    expect(await house.stateOf('p002')).toBe('deactivated');
  });

  it('sweeps act again once a complete listing takes nothing from anybody', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    disable('p000');
    const first = await house.sweep(10);
    await undo(first.runId, 11);
    house.directory.employ('p000', ['analysts']);
    expect(await house.sweep(20)).toMatchObject({ planOnlyBecause: 'undone', state: 'applied' });
    disable('p001');
    expect(await house.sweep(35)).toMatchObject({ planOnlyBecause: null, applied: 1 });
  });
});
