import { randomUUID } from 'node:crypto';
import { provisionByScim } from '@rollcall/shared/access/scim-provision';
import { liftTombstone } from '@rollcall/shared/access/tombstone';
import type { Actor } from '@rollcall/shared/core/actor';
import { toSubject, toUserId, type UserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { applyPurge } from '@rollcall/shared/purge/apply-purge';
import { findPurgePlan, makePurgePlan, purgeLines } from '@rollcall/shared/purge/purge-plan';
import { pruneAll } from '@rollcall/sweeper/retention/prune';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  at,
  countAudit,
  OPERATOR,
  openScene,
  run,
  type Scene,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';

const DAY = 86_400;
const RETENTION = {
  runsMs: 400 * DAY * 1000,
  lookUpsMs: 90 * DAY * 1000,
  snapshotsMs: 7 * DAY * 1000,
  deactivatedMs: 30 * DAY * 1000,
  scimRequestsMs: 30 * DAY * 1000,
};

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

/** Somebody who was let in at second 0 and whose access ended at second 10. */
async function leaver(actor: Actor = SWEEP): Promise<{ id: UserId; name: string }> {
  const name = `u-${randomUUID()}`;
  const { user } = await admit(scene, name, ['analyst'], 0);
  await run(scene, step('deactivate', user.id, {}), actor, 10);
  return { id: user.id, name };
}

const retire = (day: number) =>
  pruneAll(scene.db, RETENTION, at(day * DAY), new AbortController().signal);

async function planned(day: number, userId: UserId) {
  const plan = await makePurgePlan(scene.db, { userId }, 'oda', at(day * DAY));
  if (plan === null) throw new Error('nobody to purge');
  return plan;
}

const order = (plan: Awaited<ReturnType<typeof planned>>) => ({
  plan,
  by: 'oda',
  reason: 'erasure request 118',
});

async function purged(actor?: Actor) {
  const person = await leaver(actor);
  await retire(31);
  const plan = await planned(31, person.id);
  const counts = await applyPurge(scene.db, order(plan), () => at(31 * DAY));
  expect(counts).toEqual({ lines: 1, purged: 1, skipped: 0 });
  return person;
}

async function rowOf(id: UserId) {
  const { rows } = await scene.pool.query('select * from users where id = $1', [id]);
  return rows[0];
}

describe('retiring', () => {
  it('makes purge-eligible who has been out for as long, and nobody else', async () => {
    const [gone, stays] = [await leaver(), await leaver()];
    await scene.pool.query('update users set protected_by_admin = true where id = $1', [stays.id]);
    const { user } = await admit(scene, `u-${randomUUID()}`, ['analyst'], 0);
    await retire(29);
    expect((await rowOf(gone.id)).state).toBe('deactivated');
    const before = await rowOf(gone.id);
    await Promise.all([retire(31), retire(31)]);
    // The end of the access keeps its time and version: a sweep can still be undone.
    expect(await rowOf(gone.id)).toEqual({ ...before, state: 'purge_eligible' });
    expect((await rowOf(stays.id)).state).toBe('deactivated');
    expect((await rowOf(user.id)).state).toBe('active');
    expect((await countAudit(scene, gone.id))['user.retired']).toBe(1);
  });

  it('lets the sweep bring somebody back all the same', async () => {
    const { id } = await leaver();
    await retire(31);
    const back = await run(
      scene,
      step('restore', id, { reason: 'listed_again', observedAt: at(32 * DAY) }),
      SWEEP,
      32 * DAY,
    );
    expect(back).toMatchObject({ kind: 'applied', roles: ['analyst'] });
  });
});

describe('purging', () => {
  it('leaves nothing of a person but ids and hashes', async () => {
    const { id, name } = await purged();
    const tables = [
      'users',
      'grants',
      'sessions',
      'look_ups',
      'tombstones',
      'purge_lines',
      'purge_plans',
    ];
    for (const table of tables) {
      const { rows } = await scene.pool.query(
        `select count(*)::int as n from ${table} t where t::text like $1`,
        [`%${name}%`],
      );
      expect({ table, n: rows[0].n }).toEqual({ table, n: 0 });
    }
    const row = await rowOf(id);
    expect(row).toMatchObject({ state: 'purge_eligible', cause: 'sweep', email: null });
    expect((await countAudit(scene, id))['user.purged']).toBe(1);
  });

  it('skips who has had access meanwhile, says why, and does nothing twice', async () => {
    const { id } = await leaver(OPERATOR);
    await retire(31);
    const plan = await planned(31, id);
    await run(scene, step('restore', id, { reason: 'by_admin' }), OPERATOR, 31 * DAY + 1);
    const both = () => applyPurge(scene.db, order(plan), () => at(31 * DAY + 2));
    await Promise.all([both(), both()]);
    const [line] = await purgeLines(scene.db, plan.id, { limit: 10, after: 0 });
    expect(line).toMatchObject({ outcome: 'skipped', outcomeWhy: 'not_purge_eligible' });
    expect(await both()).toEqual({ lines: 1, purged: 0, skipped: 1 });
    expect((await rowOf(id)).state).toBe('active');
  });

  it('skips whose access ended anew since the plan', async () => {
    const { id } = await leaver(OPERATOR);
    await retire(31);
    const plan = await planned(31, id);
    await run(scene, step('restore', id, { reason: 'by_admin' }), OPERATOR, 31 * DAY + 1);
    await run(scene, step('deactivate', id, { reason: 'by_admin' }), OPERATOR, 31 * DAY + 2);
    await retire(62);
    await applyPurge(scene.db, order(plan), () => at(31 * DAY + 3));
    const [line] = await purgeLines(scene.db, plan.id, { limit: 10, after: 0 });
    expect(line).toMatchObject({ outcome: 'skipped', outcomeWhy: 'newer_state' });
  });

  it('goes on where it broke off, though the plan has expired meanwhile, and begins no plan that has', async () => {
    const people = [await leaver(), await leaver()];
    await retire(31);
    const plan = await makePurgePlan(scene.db, { connectionId: ACME }, 'oda', at(31 * DAY));
    if (plan === null) throw new Error('nobody to purge');
    const late = () => at(33 * DAY);
    await expect(applyPurge(scene.db, order(plan), late)).rejects.toMatchObject({
      code: 'purge.expired',
    });
    let calls = 0;
    const dying = () => {
      if (calls++ === 2) throw new Error('killed');
      return at(31 * DAY);
    };
    await expect(applyPurge(scene.db, order(plan), dying)).rejects.toThrow('killed');
    await applyPurge(scene.db, order(plan), late);
    expect((await findPurgePlan(scene.db, plan.digest.slice(0, 8))).appliedAt).not.toBeNull();
    for (const { id } of people) expect((await countAudit(scene, id))['user.purged']).toBe(1);
  });

  it('keeps whoever gives a person with other records its id', async () => {
    const { id } = await leaver(OPERATOR);
    const other = await leaver(OPERATOR);
    await retire(31);
    await scene.pool.query('update users set person_id = $1 where id in ($1, $2)', [id, other.id]);
    const plan = await planned(31, id);
    await applyPurge(scene.db, order(plan), () => at(31 * DAY));
    const [line] = await purgeLines(scene.db, plan.id, { limit: 10, after: 0 });
    expect(line).toMatchObject({ outcome: 'skipped', outcomeWhy: 'gives_person_id' });
  });

  it('is not undone, neither by hand nor by a stale restore', async () => {
    const { id } = await purged();
    for (const actor of [OPERATOR, SWEEP]) {
      const back = await run(
        scene,
        step('restore', id, { reason: 'listed_again' }),
        actor,
        40 * DAY,
      );
      expect(back).toMatchObject({ kind: 'refused', code: 'purged' });
    }
    await expect(
      scene.pool.query("update users set state = 'active', cause = null where id = $1", [id]),
    ).rejects.toThrow('users_purged_stay_out');
  });
});

describe('a sign-in of somebody who was purged', () => {
  const signIn = (name: string, seconds: number, begun: number | null) =>
    run(
      scene,
      signInOf(name, ['analyst'], seconds, {
        begunAt: begun === null ? null : at(begun),
        issuedAt: at(seconds),
        authenticatedAt: at(seconds),
      }),
      assertion(),
      seconds,
    );

  it('makes nobody of an old assertion, or of one that came unasked', async () => {
    const { name } = await purged();
    expect(await signIn(name, 9, 8)).toMatchObject({ code: 'assertion_too_old' });
    expect(await signIn(name, 40 * DAY, null)).toMatchObject({ code: 'assertion_too_old' });
  });

  it('lets them in as somebody new, where the sweep had ended their access and all of it is newer', async () => {
    const { id, name } = await purged();
    const back = await signIn(name, 40 * DAY, 40 * DAY - 5);
    expect(back).toMatchObject({ kind: 'applied', created: true });
    if (back.kind !== 'applied') throw new Error('not let in');
    expect(back.user.id).not.toBe(id);
  });

  it('never lets in whom an administrator had shut out, nor by another subject of the same directory id', async () => {
    const { name } = await purged(OPERATOR);
    expect(await signIn(name, 40 * DAY, 40 * DAY - 5)).toMatchObject({ code: 'deactivated' });
    const renamed = signInOf(`${name}-renamed`, ['analyst'], 40 * DAY, {
      directoryId: signInOf(name, [], 0).directoryId,
    });
    expect(await run(scene, renamed, assertion(), 40 * DAY)).toMatchObject({ code: 'deactivated' });
    const scim = await inTransaction(scene.db, (tx) =>
      provisionByScim(
        tx,
        {
          newUserId: toUserId(randomUUID()),
          connectionId: ACME,
          subject: toSubject(name),
          directoryId: null,
          protected: false,
          profile: { email: null, givenName: null, familyName: null },
          active: true,
          privilegedRoles: new Set(),
          reference: 'TEST-000000',
          entry: {
            userNameKey: name,
            externalId: name,
            active: true,
            emailKeys: [],
            resource: {},
            search: {},
          },
          mapping: {
            kind: 'known',
            roles: [],
            because: [],
            missed: [],
            unmatched: [],
            byDefault: false,
          },
        },
        { kind: 'scim', connection: 'acme', token: 't' },
        at(40 * DAY),
      ),
    );
    expect(scim).toMatchObject({ kind: 'refused', code: 'other_cause' });
  });

  it('until an administrator says so', async () => {
    const { id, name } = await purged(OPERATOR);
    const named = { connectionId: ACME, subject: toSubject(name), directoryId: null };
    const lift = () =>
      inTransaction(scene.db, (tx) => liftTombstone(tx, named, 'again', OPERATOR, at(41 * DAY)));
    expect([await lift(), await lift()]).toEqual([true, false]);
    expect(await signIn(name, 42 * DAY, 42 * DAY - 5)).toMatchObject({ created: true });
    expect((await countAudit(scene, id))['tombstone.lifted']).toBe(1);
  });
});
