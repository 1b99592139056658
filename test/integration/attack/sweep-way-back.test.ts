import { randomUUID } from 'node:crypto';
import { insertScimNewcomer } from '@rollcall/shared/access/scim-newcomer';
import { provisionByScim } from '@rollcall/shared/access/scim-provision';
import { liftTombstone } from '@rollcall/shared/access/tombstone';
import type { Actor } from '@rollcall/shared/core/actor';
import { toDirectoryId, toSubject, toUserId, type UserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { applyPurge } from '@rollcall/shared/purge/apply-purge';
import { makePurgePlan } from '@rollcall/shared/purge/purge-plan';
import { pruneAll } from '@rollcall/sweeper/retention/prune';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  at,
  known,
  OPERATOR,
  openScene,
  run,
  type Scene,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';

/** Ways in which somebody who must stay out comes back under another name. */
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

const DAY = 86_400;
const RETENTION = {
  runsMs: 400 * DAY * 1000,
  lookUpsMs: 90 * DAY * 1000,
  snapshotsMs: 7 * DAY * 1000,
  deactivatedMs: 30 * DAY * 1000,
  scimRequestsMs: 7 * DAY * 1000,
};

/** Somebody with two records, whom the directory knows by one id. */
function twoNames() {
  const name = `u-${randomUUID()}`;
  return { one: `${name}-1`, two: `${name}-2`, directoryId: toDirectoryId(name) };
}

async function out(name: string, directoryId: string | null, actor: Actor): Promise<UserId> {
  const id = directoryId === null ? null : toDirectoryId(directoryId);
  const { user } = await admit(scene, name, ['analyst'], 0, { directoryId: id });
  await run(scene, step('deactivate', user.id), actor, 10);
  return user.id;
}

async function purge(userId: UserId, day: number): Promise<void> {
  await pruneAll(scene.db, RETENTION, at(day * DAY), new AbortController().signal);
  const plan = await makePurgePlan(scene.db, { userId }, 'oda', at(day * DAY));
  if (plan === null) throw new Error('nobody to purge');
  await applyPurge(scene.db, { plan, by: 'oda', reason: 'erasure' }, () => at(day * DAY));
}

function signIn(name: string, directoryId: string | null, day: number) {
  const id = directoryId === null ? null : toDirectoryId(directoryId);
  const more = { directoryId: id, vouching: 'assertion' as const };
  const change = signInOf(name, ['analyst'], day * DAY, more);
  return run(scene, change, assertion(), day * DAY);
}

/** A client over SCIM makes somebody known, active, by the quick way or not. */
async function push(name: string, directoryId: string) {
  const change = {
    newUserId: toUserId(randomUUID()),
    connectionId: ACME,
    subject: toSubject(name),
    directoryId: toDirectoryId(directoryId),
    protected: false,
    profile: { email: null, givenName: null, familyName: null },
    active: true,
    privilegedRoles: new Set<string>(),
    reference: 'TEST-000000',
    mapping: known(),
    entry: {
      userNameKey: name,
      externalId: name,
      active: true,
      emailKeys: [],
      resource: {},
      search: {},
    },
  };
  const actor = { kind: 'scim', connection: 'acme', token: 't' } as const;
  const quick = { isKnownNew: false };
  expect(await insertScimNewcomer(scene.db, change, quick, actor, at(DAY))).toBeNull();
  return inTransaction(scene.db, (tx) => provisionByScim(tx, change, actor, at(DAY)));
}

describe('whom an administrator has shut out, and who was purged,', () => {
  it('stays out though another record of the same person was swept out later', async () => {
    const { one, two, directoryId } = twoNames();
    const first = (await admit(scene, one, ['analyst'], 0, { directoryId })).user.id;
    const second = (await admit(scene, two, ['analyst'], 0, { directoryId })).user.id;
    await run(scene, step('deactivate', first), OPERATOR, 10);
    await run(scene, step('deactivate', second), SWEEP, 20);
    await purge(first, 31);
    await purge(second, 31);
    for (const name of [one, two, `${one}-3`]) {
      expect(await signIn(name, directoryId, 40)).toMatchObject({ code: 'deactivated' });
    }
    const named = { connectionId: ACME, subject: toSubject(one), directoryId: null };
    await inTransaction(scene.db, (tx) => liftTombstone(tx, named, 'x', OPERATOR, at(41 * DAY)));
    expect(await signIn(one, directoryId, 42)).toMatchObject({ kind: 'applied', created: true });
  });

  it('stays out by the id of the directory, though the last assertion did not give it', async () => {
    const { one, two, directoryId } = twoNames();
    await purge(await out(one, directoryId, SWEEP), 31);
    const back = await signIn(one, null, 40);
    if (back.kind !== 'applied') throw new Error('not let in');
    await run(scene, step('deactivate', back.user.id), OPERATOR, 41 * DAY);
    await purge(back.user.id, 80);
    expect(await signIn(two, directoryId, 90)).toMatchObject({ code: 'deactivated' });
  });
});

describe('whose access has ended', () => {
  it.each([
    ['an administrator', OPERATOR],
    ['SCIM', { kind: 'scim', connection: 'acme', token: 't' } as const],
  ])('by %s does not come back by another subject of the same directory id', async (_, actor) => {
    const { one, two, directoryId } = twoNames();
    const { user } = await admit(scene, one, ['analyst'], 0, { directoryId });
    if (actor.kind === 'scim') {
      await scene.pool.query("update users set owner = 'scim' where id = $1", [user.id]);
    }
    await run(scene, step('deactivate', user.id), actor, 10);
    expect(await signIn(two, directoryId, 1)).toMatchObject({ code: 'deactivated' });
    const pushed = await push(two, directoryId);
    // SCIM gets the one user back whom it had shut out, and no second one beside them.
    expect(pushed).toMatchObject(
      actor.kind === 'scim'
        ? { kind: 'adopted', user: { id: user.id, state: 'deactivated', cause: 'scim' } }
        : { kind: 'refused', code: 'other_cause' },
    );
    const named = 'select id, state from users where directory_id = $1';
    expect((await scene.pool.query(named, [directoryId])).rows).toEqual([
      { id: user.id, state: 'deactivated' },
    ]);
    expect(await signIn(`${two}-other`, `${directoryId}-other`, 1)).toMatchObject({
      created: true,
    });
  });

  it('does not shut out who has access by another record of the same directory id', async () => {
    const { one, two, directoryId } = twoNames();
    const { user } = await admit(scene, one, ['analyst'], 0, { directoryId });
    await admit(scene, two, ['analyst'], 0, { directoryId });
    await run(scene, step('deactivate', user.id), OPERATOR, 10);
    expect(await signIn(two, directoryId, 1)).toMatchObject({ kind: 'applied' });
    expect(await signIn(`${one}-3`, directoryId, 1)).toMatchObject({ created: true });
  });
});

describe('a sign-in that waits while the person is purged', () => {
  it('finds a stranger, and is judged as one', async () => {
    const { one } = twoNames();
    const id = await out(one, null, SWEEP);
    await pruneAll(scene.db, RETENTION, at(31 * DAY), new AbortController().signal);
    const plan = await makePurgePlan(scene.db, { userId: id }, 'oda', at(31 * DAY));
    if (plan === null) throw new Error('nobody to purge');
    const holder = await scene.pool.connect();
    await holder.query('begin');
    await holder.query('select from users where id = $1 for update', [id]);
    // In the order in which they wait for the row.
    const purging = applyPurge(scene.db, { plan, by: 'oda', reason: 'x' }, () => at(31 * DAY));
    await waiting(1);
    const signing = signIn(one, null, 32);
    await waiting(2);
    await holder.query('rollback');
    holder.release();
    expect(await purging).toMatchObject({ purged: 1 });
    expect(await signing).toMatchObject({ kind: 'applied', created: true });
  });
});

/** Until so many statements of this database wait for a lock. */
async function waiting(count: number): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await scene.pool.query(
        `select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows[0]?.n;
    })
    .toBe(count);
}
