import { toSubject } from '@rollcall/shared/core/ids';
import type { DirectoryFault } from '@rollcall/sweeper/directories/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { admit, OPERATOR, run, step } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';
import type { Faults } from './simulator.ts';

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

const CROWD = names('p', 20);

async function settledHouse(): Promise<void> {
  await house.hire(CROWD);
  const first = await house.sweep(1);
  expect(first).toMatchObject({ state: 'applied', planOnlyBecause: 'first_sweep', rows: 20 });
}

function everybodyIs(states: Record<string, string>, state: string): boolean {
  return Object.values(states).every((one) => one === state);
}

describe('a leaver', () => {
  it('is suspected at first, and out five minutes later: state, session, audit', async () => {
    await settledHouse();
    house.directory.dismiss('p003');
    const seen = await house.sweep(10);
    expect(seen).toMatchObject({ state: 'applied', applied: 1, confirmAt: expect.any(Number) });
    expect(await house.stateOf('p003')).toBe('suspected');
    expect(await house.liveSessions('p003')).toBe(1);

    const early = await house.sweep(14);
    expect(early.counts['keep waiting_for_confirmation']).toBe(1);
    expect(await house.stateOf('p003')).toBe('suspected');

    const confirmed = await house.sweep(15);
    expect(confirmed).toMatchObject({ state: 'applied', applied: 1, sessionsEnded: 1 });
    expect(confirmed.confirmAt).toBeNull();
    expect(await house.states()).toEqual({
      ...Object.fromEntries(CROWD.map((name) => [name, 'active'])),
      p003: 'deactivated',
    });
    expect(await house.liveSessions('p003')).toBe(0);
    expect(await house.rolesOf('p003')).toEqual(['analyst']);
    expect(await house.auditOf('p003')).toEqual([
      'user.created',
      'user.signed_in',
      'user.suspected',
      'user.deactivated',
    ]);
  });

  it('is out at once where the directory says disabled or unassigned', async () => {
    await settledHouse();
    house.directory.set('p001', { standing: 'disabled' });
    house.directory.set('p002', { standing: 'unassigned' });
    await house.sweep(10);
    expect(await house.stateOf('p001')).toBe('deactivated');
    expect(await house.stateOf('p002')).toBe('deactivated');
  });

  it('comes back when the directory lists them again', async () => {
    await settledHouse();
    house.directory.set('p001', { standing: 'disabled' });
    await house.sweep(10);
    house.directory.set('p001', { standing: 'present' });
    await house.sweep(20);
    expect(await house.stateOf('p001')).toBe('active');
    expect(await house.liveSessions('p001')).toBe(0);
    expect(await house.rolesOf('p001')).toEqual(['analyst']);
  });

  it('stays out where an administrator put them out', async () => {
    await settledHouse();
    const change = step('deactivate', await house.idOf('p001'), { reason: 'by_admin' });
    await run(house, change, OPERATOR, 300);
    const swept = await house.sweep(20);
    expect(swept.counts['refuse other_cause']).toBe(1);
    expect(await house.stateOf('p001')).toBe('deactivated');
  });

  it('cannot dodge for ever with an old session at the identity provider', async () => {
    await settledHouse();
    house.directory.dismiss('p003');
    await house.sweep(10);
    await admit(house, 'p003', ['analyst'], 12 * 60);
    expect(await house.stateOf('p003')).toBe('active');
    await house.sweep(16);
    expect(await house.stateOf('p003')).toBe('deactivated');
  });

  it('is not kept by a sign-in during the listing: the look-up is newer', async () => {
    await settledHouse();
    house.directory.dismiss('p003');
    await house.sweep(10);
    house.directory.onPage = async (page) => {
      if (page === 0) await admit(house, 'p003', ['analyst'], 20 * 60 + 1);
    };
    await house.sweep(20);
    expect(await house.stateOf('p003')).toBe('deactivated');
  });

  it('is kept by a sign-in during the look-up, until the next sweep', async () => {
    await settledHouse();
    house.directory.dismiss('p003');
    await house.sweep(10);
    house.directory.onLookUp = async (id) => {
      if (id === 'p003') await admit(house, 'p003', ['analyst'], 20 * 60 + 1);
    };
    await house.sweep(20);
    expect(await house.stateOf('p003')).toBe('active');
    house.directory.onLookUp = () => undefined;
    await house.sweep(30);
    expect(await house.stateOf('p003')).toBe('deactivated');
  });

  it('who returns between two sweeps has to be missed twice again', async () => {
    await settledHouse();
    const person = house.directory.people.get('p003');
    house.directory.dismiss('p003');
    await house.sweep(10);
    house.directory.people.set('p003', person!);
    await house.sweep(20);
    expect(await house.stateOf('p003')).toBe('active');
    house.directory.dismiss('p003');
    await house.sweep(30);
    expect(await house.stateOf('p003')).toBe('suspected');
    await house.sweep(40);
    expect(await house.stateOf('p003')).toBe('deactivated');
  });
});

describe('a directory at fault removes nobody', () => {
  const faults: [string, Faults, string][] = [
    ['an empty listing', { empty: true }, 'listing.zero_rows'],
    ['half a listing', { half: true }, 'listing.shrunk'],
    ['a page sent twice', { repeatPage: true }, 'listing.duplicate_ids'],
    ['no last page', { noLastPage: true }, 'listing.no_terminal_page'],
    ['another total', { announced: 21 }, 'listing.count_mismatch'],
    ['another scope', { otherScopeAfter: true }, 'listing.fingerprint_changed'],
    ...(
      [
        'request_failed',
        'unauthorized',
        'forbidden',
        'rate_limited',
        'timed_out',
        'malformed_answer',
        'cursor_broken',
      ] satisfies DirectoryFault[]
    ).flatMap((fault): [string, Faults, string][] => [
      [`${fault} at once`, { failAfterPages: { pages: 0, fault } }, `directory.${fault}`],
      [`${fault} half-way`, { failAfterPages: { pages: 3, fault } }, `directory.${fault}`],
    ]),
  ];
  it.each(faults)('%s', async (_, fault, code) => {
    await settledHouse();
    house.directory.faults = fault;
    for (const minute of [10, 20, 30]) {
      const swept = await house.sweep(minute);
      expect(swept).toMatchObject({ state: 'incomplete', code, applied: 0 });
      expect(swept.explanation).toMatch(/expected .*, received /);
    }
    expect(everybodyIs(await house.states(), 'active')).toBe(true);
    const left = await house.pool.query('select distinct run_id from snapshot_members');
    expect(left.rowCount).toBe(1);
  });

  it('listings from which people are missing whom a look-up finds', async () => {
    await settledHouse();
    house.directory.faults = { hidden: ['p001', 'p002'] };
    for (const minute of [10, 20]) {
      expect((await house.sweep(minute)).counts['keep look_up_found']).toBe(2);
    }
    expect(everybodyIs(await house.states(), 'active')).toBe(true);
  });

  it.each([
    ['no answers at all', { lookUpsUnknown: true }],
    ['look-ups that find nobody', { lookUpsBlind: true }],
  ] satisfies [string, Faults][])('%s', async (_, fault) => {
    await settledHouse();
    house.directory.dismiss('p001');
    house.directory.faults = fault;
    for (const minute of [10, 20, 30]) {
      const { counts } = await house.sweep(minute);
      expect(counts['keep look_up_unknown']).toBe(1);
    }
    expect(everybodyIs(await house.states(), 'active')).toBe(true);
  });

  it('a canary that is lost while people are looked up', async () => {
    await settledHouse();
    house.directory.dismiss('p001');
    for (const minute of [10, 20]) {
      house.directory.faults = {};
      house.directory.onLookUp = (id) => {
        if (id === 'p001') house.directory.faults = { lookUpsBlind: true };
      };
      expect((await house.sweep(minute)).counts['keep canary_failed']).toBe(1);
    }
    expect(everybodyIs(await house.states(), 'active')).toBe(true);
  });

  it('a listing that shrank for good, until a person accepts its size', async () => {
    const { approveListing } = await import('@rollcall/sweeper/plan/approve-listing');
    await settledHouse();
    house.directory.dismiss(...names('p', 5));
    const shrunk = await house.sweep(10);
    expect(shrunk.code).toBe('listing.shrunk');
    const approval = { runId: shrunk.runId, approver: 'oda', reason: 'a team was sold' };
    const connectionId = house.sweepOf().connectionId;
    await expect(
      approveListing(house.db, { ...approval, connectionId, rows: 14 }, house.sweepTime(11)),
    ).rejects.toMatchObject({ code: 'listing.rows_differ' });
    await approveListing(house.db, { ...approval, connectionId, rows: 15 }, house.sweepTime(11));
    await house.sweep(20);
    const held = await house.sweep(30);
    expect(held).toMatchObject({ state: 'held', waiting: 5 });
    expect(everybodyIs(await house.states(), 'deactivated')).toBe(false);
  });
});

describe('people who are not the sweep’s', () => {
  it('keeps the protected, the SCIM-owned and people without a directory id', async () => {
    await settledHouse();
    const protectedSubjects = new Set([toSubject('p001')]);
    const policy = { ...house.sweepOf().policy, protectedSubjects };
    await house.pool.query("update users set owner = 'scim' where subject = 'p002'");
    await house.pool.query("update users set directory_id = null where subject = 'p004'");
    house.directory.set('p001', { standing: 'disabled' });
    house.directory.set('p002', { standing: 'disabled' });
    house.directory.dismiss('p004');
    for (const minute of [10, 20]) {
      const { counts } = await house.sweep(minute, { policy });
      expect(counts).toMatchObject({
        'refuse protected': 1,
        'refuse owned_by_scim': 1,
        'keep no_directory_id': 1,
      });
    }
    expect(everybodyIs(await house.states(), 'active')).toBe(true);
  });

  it('leaves two holders of a privileged role', async () => {
    await settledHouse();
    await house.hire(['boss1', 'boss2'], ['admins']);
    await house.sweep(5);
    house.directory.set('boss1', { standing: 'disabled' });
    const swept = await house.sweep(10);
    expect(swept).toMatchObject({ applied: 0, skipped: 1 });
    expect(await house.stateOf('boss1')).toBe('active');
  });
});

describe('roles', () => {
  it('follow the groups of the directory', async () => {
    await settledHouse();
    house.directory.set('p001', { groups: ['editors'] });
    house.directory.set('p002', { groups: [] });
    house.directory.set('p003', { groups: null });
    const swept = await house.sweep(10);
    expect(swept.counts['change_roles groups_changed']).toBe(2);
    expect(await house.rolesOf('p001')).toEqual(['editor']);
    expect(await house.rolesOf('p002')).toEqual([]);
    expect(await house.rolesOf('p003')).toEqual(['analyst']);
    expect(await house.stateOf('p002')).toBe('active');
    expect((await house.sweep(20)).counts).toEqual({ 'keep present': 20 });
  });
});

describe('the log', () => {
  it('has one line for a run, with code, counts and reason', async () => {
    await settledHouse();
    house.directory.faults = { empty: true };
    house.logged.length = 0;
    await house.sweep(10);
    expect(house.logged).toEqual([
      expect.objectContaining({
        event: 'sweep.finished',
        level: 'warn',
        connection: 'acme',
        state: 'incomplete',
        code: 'listing.zero_rows',
        partialReason: 'zero_rows',
      }),
    ]);
  });
});
