import { apply } from '@rollcall/shared/access/apply';
import type { Actor } from '@rollcall/shared/core/actor';
import { inTransaction } from '@rollcall/shared/db/database';
import { afterEach, describe, expect, it } from 'vitest';
import { openScimServer } from '../../conformance/directories/scim-server.ts';
import { admit, assertion, run, signInOf, step } from '../access/people.ts';
import { type House, openHouse } from '../sweeper/house.ts';
import { CROWD, expectStillSweeps, expectUntouched, openSettled } from './incident.ts';

/** Somebody left, and the program never noticed, or let them in again. */
let house: House;
afterEach(() => house.drop());

const ADMIN: Actor = { kind: 'operator', name: 'oda' };

it('keycloak#19056 and #35235: a full synchronization never removes anybody', async () => {
  house = await openSettled();
  house.directory.dismiss('p005');
  await expectStillSweeps(house, 'p005', 10);
});

it('gitlab#4401: somebody whom just-in-time made leaves, and keeps keys and sessions', async () => {
  house = await openSettled();
  // Signed in at three places; one of them minutes ago.
  for (const seconds of [120, 240, 300]) await admit(house, 'p005', ['analyst'], seconds);
  expect(await house.liveSessions('p005')).toBe(4);
  house.directory.set('p005', { standing: 'disabled' });
  await house.sweep(10);
  expect(await house.liveSessions('p005')).toBe(0);
  const { rows } = await house.pool.query<{ kind: string; payload: unknown }>(
    `select kind, payload from outbox o join users u on u.id = o.user_id
      where u.subject = 'p005' order by o.id desc limit 1`,
  );
  // Apps hear of it, so that keys of theirs go as well.
  expect(rows[0]).toMatchObject({ kind: 'user.deactivated' });
  const again = signInOf('p005', ['analyst'], 700);
  expect(await run(house, again, assertion(), 700)).toMatchObject({ kind: 'refused' });
});

it('gitlab#6759: somebody falls out of the filter, and stays', async () => {
  house = await openHouse();
  const server = await openScimServer({
    paging: 'cursor',
    groupsIn: 'users',
    assignmentGroup: true,
  });
  try {
    for (const { id, standing, groups } of server.expected()) {
      if (standing === 'present' && groups?.length) await house.hire([id], [...groups]);
    }
    const over = { directory: server.directory };
    await house.sweep(1, over);
    expect(await house.stateOf('id-02')).toBe('active');
    server.unassign('id-02');
    await house.sweep(10, over);
    expect(await house.stateOf('id-02')).toBe('deactivated');
    const { rows } = await house.pool.query(
      `select state_reason from users where subject = 'id-02'`,
    );
    expect(rows).toEqual([{ state_reason: 'unassigned' }]);
  } finally {
    await server.close();
  }
});

describe('RocketChat#17561: a synchronization reactivates whom an administrator disabled', () => {
  it.each(['active', 'suspected'])('somebody %s', async (state) => {
    house = await openSettled();
    if (state === 'suspected') {
      const person = house.directory.people.get('p005');
      house.directory.dismiss('p005');
      await house.sweep(5);
      if (person !== undefined) house.directory.people.set('p005', person);
    }
    const userId = await house.idOf('p005');
    const change = step('deactivate', userId, { reason: 'left by mutual consent' });
    await inTransaction(house.db, (tx) => apply(tx, change, ADMIN, house.sweepTime(6)));
    // The directory goes on listing them, disables them, and enables them again.
    for (const [minute, standing] of [
      [10, 'present'],
      [20, 'disabled'],
      [30, 'present'],
    ] as const) {
      house.directory.set('p005', { standing });
      await house.sweep(minute);
    }
    expect(await house.stateOf('p005')).toBe('deactivated');
    const again = signInOf('p005', ['analyst'], 3_000);
    expect(await run(house, again, assertion(), 3_000)).toMatchObject({ kind: 'refused' });
  });
});

it('ACCESS-1388: what is deleted at the provider for good is never heard of again', async () => {
  house = await openSettled();
  // Disabled and deleted between two sweeps: no listing ever says "disabled".
  house.directory.set('p005', { standing: 'disabled' });
  house.directory.dismiss('p005');
  await expectStillSweeps(house, 'p005', 10);
});

it('1Password/scim-examples#399 and sentry#115038: the one event that told of it was missed', async () => {
  house = await openSettled();
  // No event at all: the full sweep is the authority.
  house.directory.set('p005', { standing: 'disabled' });
  house.directory.set('p006', { groups: [] });
  await house.sweep(10);
  expect(await house.stateOf('p005')).toBe('deactivated');
  expect(await house.rolesOf('p006')).toEqual([]);
  expect(await house.liveSessions('p006')).toBe(0);
});

describe('firezone PR#15024: an older listing brings back whom somebody has removed meanwhile', () => {
  it.each<[string, Actor]>([
    ['an administrator', ADMIN],
    [
      'a newer sweep',
      { kind: 'sweep', runId: '00000000-0000-4000-8000-000000000001', digest: 'd' },
    ],
  ])('removed by %s', async (_who, actor) => {
    house = await openSettled();
    const userId = await house.idOf('p005');
    const change = step('deactivate', userId, { reason: 'disabled' });
    // The listing has named the person already when they are removed.
    house.directory.onPage = async (page) => {
      if (page !== 4) return;
      await inTransaction(house.db, (tx) => apply(tx, change, actor, house.sweepTime(11)));
    };
    await house.sweep(10, {}, { clock: () => house.sweepTime(10) });
    expect(await house.stateOf('p005')).toBe('deactivated');
    expect(await house.liveSessions('p005')).toBe(0);
  });
});

it('baton-sdk: a run that was killed is gone on with, and its half is sealed as the whole', async () => {
  house = await openSettled();
  const lastRows = async () => {
    const { rows } = await house.pool.query<{ state: string; rows: number | null }>(
      'select state, rows from sweep_runs order by started_at desc, id limit 1',
    );
    return rows[0];
  };
  const killed = new Error('killed');
  house.directory.onPage = (page) => {
    if (page === 3) throw killed;
  };
  await house.sweep(10);
  expect(await lastRows()).toMatchObject({ state: 'failed', rows: null });
  house.directory.onPage = () => undefined;
  const swept = await house.sweep(20);
  // Counted by ourselves: the run that counts holds every row of its own.
  const { rows } = await house.pool.query<{ n: number }>(
    'select count(*)::int as n from snapshot_members where run_id = $1',
    [swept.runId],
  );
  expect(rows).toEqual([{ n: CROWD.length }]);
  expect(await lastRows()).toMatchObject({ rows: CROWD.length });
  await expectUntouched(house);
});
