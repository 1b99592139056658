import { apply } from '@rollcall/shared/access/apply';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { afterEach, expect, it } from 'vitest';
import { admit, at, START } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';
import { CROWD, expectStillSweeps, expectUntouched, openSettled } from './incident.ts';

/** The program itself took away what was not its own, too much, or the wrong thing. */
let house: House;
afterEach(() => house.drop());

const BY_HAND = { mode: 'approve' } as const;

async function stateAndGrants(): Promise<unknown> {
  const users = await house.pool.query(
    'select subject, state, cause, groups from users order by subject',
  );
  const grants = await house.pool.query(
    `select u.subject, g.role, g.because::text, g.first_seen_at, g.last_seen_at
       from grants g join users u on u.id = g.user_id order by u.subject, g.role`,
  );
  return { users: users.rows, grants: grants.rows };
}

function undo(run: string, minute: number) {
  return undoPlan({
    db: house.db,
    plan: run,
    operator: 'oda',
    reason: 'they never left',
    privilegedRoles: new Set(['admin']),
    clock: () => house.sweepTime(minute),
  });
}

it('ssosync#88: a sweep removes what it never owned', async () => {
  house = await openSettled();
  const globex = toConnectionId('globex');
  await registerConnection(house.db, globex, 'https://idp.globex.example', START);
  // The same ids under another connection, and people of SCIM and by hand in our own.
  for (const name of ['p000', 'g001'])
    await admit(house, name, ['editor'], 60, { connectionId: globex });
  for (const name of ['scim1', 'hand1']) await admit(house, name, ['analyst'], 60);
  await house.pool.query(`update users set owner = 'scim' where subject = 'scim1'`);
  await house.pool.query(`update users set owner = 'manual' where subject = 'hand1'`);
  house.directory.dismiss('p000');
  for (const minute of [10, 20, 30]) await house.sweep(minute);
  const { rows } = await house.pool.query(
    `select connection_id || ':' || subject as name, state from users
      where connection_id = 'globex' or owner <> 'roll' or subject = 'p000' order by 1`,
  );
  expect(rows).toEqual([
    { name: 'acme:hand1', state: 'active' },
    { name: 'acme:p000', state: 'deactivated' },
    { name: 'acme:scim1', state: 'active' },
    { name: 'globex:g001', state: 'active' },
    { name: 'globex:p000', state: 'active' },
  ]);
});

it('DefGuard#2833: switching the sweep on empties every group, those of the admins too', async () => {
  house = await openHouse();
  await house.hire(CROWD);
  await house.hire(['a1', 'a2', 'a3'], ['admins']);
  for (const name of [...CROWD, 'a1', 'a2', 'a3']) house.directory.set(name, { groups: [] });
  // The first sweep only plans; every later one is held.
  expect(await house.sweep(1)).toMatchObject({ applied: 0 });
  for (const minute of [10, 20, 30])
    expect(await house.sweep(minute)).toMatchObject({ state: 'held' });
  await expectUntouched(house);
  for (const name of ['a1', 'a2', 'a3']) expect(await house.rolesOf(name)).toEqual(['admin']);
});

it('grafana#76166: somebody else with the same e-mail signs in, and the first is disabled', async () => {
  house = await openSettled();
  const profile = { email: 'p001@acme.example', givenName: 'Another', familyName: 'Person' };
  house.directory.employ('twin');
  await admit(house, 'twin', ['analyst'], 120, { profile });
  await expectUntouched(house);
  // And when the twin leaves, the twin alone leaves.
  house.directory.dismiss('twin');
  await expectStillSweeps(house, 'twin', 20);
  await expectUntouched(house);
});

it('Teem 2024-08: another worker deletes the rows in the middle, and an empty batch is swept', async () => {
  house = await openSettled();
  const steal = () => house.pool.query('delete from snapshot_members').then(() => undefined);
  house.directory.onPage = (page) => (page === 3 ? steal() : undefined);
  for (const minute of [10, 20]) await house.sweep(minute);
  await expectUntouched(house);
  // The worst moment: the listing has been proven, and look-ups begin.
  house.directory.onPage = () => undefined;
  house.directory.dismiss('p019');
  house.directory.onLookUp = steal;
  for (const minute of [30, 40, 50]) await house.sweep(minute);
  await expectUntouched(house, CROWD.slice(0, 19));
  house.directory.onLookUp = () => undefined;
  await expectStillSweeps(house, 'p019', 70);
});

it('Auvik 2026-03: incomplete input is read as deletions, and takes the keys with it', async () => {
  house = await openSettled();
  // Half of the input, with a total that gives it away or without, with an end that is none.
  const faults = [
    { half: true },
    { half: true, announced: 20 },
    { noLastPage: true },
    { otherScopeAfter: true },
  ];
  for (const [round, fault] of faults.entries()) {
    house.directory.faults = fault;
    expect(await house.sweep(10 + round * 10)).toMatchObject({ state: 'incomplete' });
  }
  await expectUntouched(house);
});

it('Entra MACE 2025-04: a third of all people is called disabled at once, wrongly', async () => {
  const crowd = names('p', 60);
  house = await openSettled(crowd);
  const before = await stateAndGrants();
  for (const name of crowd.slice(0, 20)) house.directory.set(name, { standing: 'disabled' });
  expect(await house.sweep(10)).toMatchObject({ state: 'held', applied: 0 });
  await expectUntouched(house, crowd);
  // Few enough to pass the brake: those are taken, and one command brings them back.
  for (const name of crowd.slice(3, 20)) house.directory.set(name, { standing: 'present' });
  const few = await house.sweep(20);
  expect(few).toMatchObject({ state: 'applied', applied: 3 });
  expect(await undo(few.runId, 21)).toMatchObject({ undone: 3 });
  expect(await stateAndGrants()).toEqual(before);
});

it('Atlassian 2022-04: ids of the wrong kind are approved, and what they name is deleted for good', async () => {
  const crowd = names('p', 30);
  house = await openSettled(crowd);
  const before = await stateAndGrants();
  for (const name of crowd.slice(0, 5)) house.directory.set(name, { standing: 'disabled' });
  const { waitingPlan, runId } = await house.sweep(10, BY_HAND);
  const digest = waitingPlan?.digest ?? '';
  const now = house.sweepTime(11);
  const approval = { approver: 'oda', reason: 'sites of an old app', people: 5 };
  // Another plan, a part of a digest of something else, another number than the plan names.
  await expect(
    approvePlan(house.db, { ...approval, digest: runId.replace(/./g, '0') }, now),
  ).rejects.toThrow();
  await expect(approvePlan(house.db, { ...approval, digest, people: 883 }, now)).rejects.toThrow();
  await expectUntouched(house, crowd);
  await approvePlan(house.db, { ...approval, digest }, now);
  const sweep = house.sweepOf(BY_HAND);
  const clock = () => now;
  const applied = await applyPlan({ db: house.db, sweep, plan: digest, operator: 'oda', clock });
  expect(applied).toMatchObject({ applied: 5 });
  // Nothing was deleted: rows, ids, grants are all there, and come back whole.
  const { rows } = await house.pool.query('select count(*)::int as n from users');
  expect(rows).toEqual([{ n: 30 }]);
  expect(await undo(digest, 12)).toMatchObject({ undone: 5 });
  expect(await stateAndGrants()).toEqual(before);
});

it('a plan that was approved takes nobody who has shown life since', async () => {
  const crowd = names('p', 30);
  house = await openSettled(crowd);
  for (const name of crowd.slice(0, 5)) house.directory.set(name, { standing: 'disabled' });
  const { waitingPlan } = await house.sweep(10, BY_HAND);
  const digest = waitingPlan?.digest ?? '';
  await approvePlan(
    house.db,
    { digest, approver: 'oda', people: 5, reason: 'they left' },
    house.sweepTime(11),
  );
  const userId = await house.idOf('p004');
  await admit(house, 'p003', ['analyst'], 11 * 60 + 30);
  await inTransaction(house.db, (tx) =>
    apply(
      tx,
      { kind: 'protect', userId, evidence: {} },
      { kind: 'operator', name: 'oda' },
      at(11 * 60 + 40),
    ),
  );
  const sweep = house.sweepOf(BY_HAND);
  const clock = () => house.sweepTime(12);
  await applyPlan({ db: house.db, sweep, plan: digest, operator: 'oda', clock });
  const states = await house.states();
  expect(crowd.slice(0, 6).map((name) => states[name])).toEqual([
    'deactivated',
    'deactivated',
    'deactivated',
    'active',
    'active',
    'active',
  ]);
});
