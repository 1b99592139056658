import { randomUUID } from 'node:crypto';
import type { SignIn } from '@rollcall/shared/access/change';
import type { Actor } from '@rollcall/shared/core/actor';
import { grantsOf } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
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
} from './people.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

const name = () => `u-${randomUUID()}`;
const REASONS = ['absent', 'disabled', 'unassigned', 'absent_unconfirmable'] as const;

/** Somebody with roles, shut out at second 10. */
async function shutOut(roles: string[], actor: Actor = SWEEP, reason = 'absent') {
  // Others hold the privileged role, so that it may be taken.
  for (let i = 0; i < 3; i++) await admit(scene, name(), ['admin'], 0);
  const { user } = await admit(scene, name(), roles, 0);
  const out = await run(scene, step('deactivate', user.id, { reason }), actor, 10);
  expect(out).toMatchObject({ kind: 'applied' });
  return user;
}

/** Signs in at second 30: begun at 20, by our clock; authenticated at 25. */
function signInAgain(subject: string, roles: string[], more: Partial<SignIn> = {}) {
  const times = { begunAt: at(20), authenticatedAt: at(25), issuedAt: at(26) };
  const change = signInOf(subject, roles, 30, { ...times, vouching: 'assertion', ...more });
  return run(scene, change, assertion(), 30);
}

async function rolesOf(user: { id: Parameters<typeof grantsOf>[1] }): Promise<string[]> {
  return (await grantsOf(scene.db, user.id)).map((grant) => grant.role);
}

async function rowOf(user: { id: string }) {
  const answer = await scene.pool.query(
    `select state, cause, version, (select count(*)::int from sessions where user_id = users.id and ended_at is null) as sessions
       from users where id = $1`,
    [user.id],
  );
  return answer.rows[0];
}

describe('by a connection without a directory', () => {
  it.each(REASONS)(
    'whom the sweep took out as %s comes back by a sign-in from beginning to end',
    async (reason) => {
      const user = await shutOut(['analyst', 'editor'], SWEEP, reason);
      const outcome = await signInAgain(user.subject, ['analyst', 'editor']);
      expect(outcome).toMatchObject({
        kind: 'applied',
        created: false,
        roles: ['analyst', 'editor'],
        user: { id: user.id, state: 'active', cause: null, stateReason: 'signed_in_again' },
      });
      expect(await rowOf(user)).toMatchObject({ state: 'active', cause: null, sessions: 1 });
      expect(await countAudit(scene, user.id)).toMatchObject({
        'user.restored': 1,
        'user.signed_in': 2,
      });
      const { rows } = await scene.pool.query(
        "select kind, payload from outbox where user_id = $1 and kind = 'user.restored'",
        [user.id],
      );
      expect(rows).toMatchObject([{ payload: { reason: 'signed_in_again' } }]);
    },
  );

  it.each(REASONS)('whom an administrator took out as %s does not', async (reason) => {
    const user = await shutOut(['analyst'], OPERATOR, reason);
    const before = await rowOf(user);
    expect(await signInAgain(user.subject, ['analyst'])).toMatchObject({ code: 'deactivated' });
    expect(await rowOf(user)).toEqual(before);
  });

  it('whom SCIM took out does not', async () => {
    const user = await shutOut(['analyst']);
    await scene.pool.query("update users set cause = 'scim' where id = $1", [user.id]);
    expect(await signInAgain(user.subject, ['analyst'])).toMatchObject({ code: 'deactivated' });
  });

  it.each<[string, Partial<SignIn>]>([
    ['was issued before the end', { issuedAt: at(9) }],
    ['was issued at the moment of the end', { issuedAt: at(10) }],
    ['rests on an authentication before the end', { authenticatedAt: at(9) }],
    ['answers a sign-in that was begun before the end', { begunAt: at(9) }],
    ['came unasked', { begunAt: null }],
  ])('nobody comes back by an assertion that %s', async (_, more) => {
    const user = await shutOut(['analyst']);
    const before = await rowOf(user);
    expect(await signInAgain(user.subject, ['analyst'], more)).toMatchObject({
      code: 'assertion_too_old',
    });
    expect(await rowOf(user)).toEqual(before);
  });

  it.each(['authoritative', 'additive', 'first_login'] as const)(
    'nobody comes back with a role that is no longer asserted (%s)',
    async (mode) => {
      const user = await shutOut(['admin', 'analyst', 'editor']);
      const outcome = await signInAgain(user.subject, ['editor', 'finance'], { mode });
      const expected = mode === 'first_login' ? ['editor'] : ['editor', 'finance'];
      expect(outcome).toMatchObject({ kind: 'applied', roles: expected, kept: [] });
      expect(await rolesOf(user)).toEqual(expected);
    },
  );

  it('nobody comes back as the last admin whom nobody asserts', async () => {
    const fresh = await openScene();
    try {
      for (let i = 0; i < 3; i++) await admit(fresh, `a-${i}`, ['admin', 'analyst'], i);
      const { rows } = await fresh.pool.query<{ id: Parameters<typeof grantsOf>[1] }>(
        "select id from users where subject = 'a-0'",
      );
      const id = rows[0]!.id;
      await run(fresh, step('deactivate', id), SWEEP, 10);
      await fresh.pool.query('delete from grants where user_id <> $1', [id]);
      const change = signInOf('a-0', ['analyst'], 30, {
        begunAt: at(20),
        authenticatedAt: at(25),
        issuedAt: at(26),
        vouching: 'assertion',
      });
      expect(await run(fresh, change, assertion(), 30)).toMatchObject({
        kind: 'applied',
        roles: ['analyst'],
        kept: [],
      });
    } finally {
      await fresh.drop();
    }
  });

  it('nobody comes back without a role, or where nothing says which are still theirs', async () => {
    const user = await shutOut(['analyst']);
    const before = await rowOf(user);
    expect(await signInAgain(user.subject, [])).toMatchObject({ code: 'no_role' });
    const none = signInOf(user.subject, ['editor'], 30, {
      mode: 'first_login',
      begunAt: at(20),
      authenticatedAt: at(25),
      issuedAt: at(26),
      vouching: 'assertion',
    });
    expect(await run(scene, none, assertion(), 30)).toMatchObject({ code: 'no_role' });
    const mapping = { kind: 'unknown' as const, because: 'groups_missing' as const };
    expect(await signInAgain(user.subject, [], { mapping, groups: null })).toMatchObject({
      code: 'groups_unknown',
    });
    expect(await rowOf(user)).toEqual(before);
    expect(await rolesOf(user)).toEqual(['analyst']);
  });

  it('comes back once, whoever signs in at once from two browsers', async () => {
    const user = await shutOut(['analyst']);
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => signInAgain(user.subject, ['analyst'])),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(6).fill('applied'));
    expect(await countAudit(scene, user.id)).toMatchObject({ 'user.restored': 1 });
  });

  it('stays out whom an administrator shuts out at the same moment', async () => {
    for (let round = 0; round < 15; round++) {
      const user = await shutOut(['analyst']);
      await Promise.all([
        signInAgain(user.subject, ['analyst']),
        run(scene, step('deactivate', user.id, { reason: 'by_admin' }), OPERATOR, 30),
      ]);
      expect(await rowOf(user)).toMatchObject({
        state: 'deactivated',
        cause: 'admin',
        sessions: 0,
      });
    }
  });
});

describe('by a connection with a directory', () => {
  it.each(REASONS)('whom the sweep took out as %s waits for the directory', async (reason) => {
    const user = await shutOut(['analyst'], SWEEP, reason);
    const outcome = await signInAgain(user.subject, ['analyst'], { vouching: 'directory' });
    expect(outcome).toMatchObject({ code: 'deactivated' });
    await run(
      scene,
      step('restore', user.id, { observedAt: at(40), reason: 'listed_again' }),
      SWEEP,
      41,
    );
    expect((await admit(scene, user.subject, ['analyst'], 50)).roles).toEqual(['analyst']);
  });

  it('comes back with the roles as they were, until a sign-in says otherwise', async () => {
    const user = await shutOut(['analyst', 'editor']);
    await run(
      scene,
      step('restore', user.id, { observedAt: at(40), reason: 'listed_again' }),
      SWEEP,
      41,
    );
    expect(await rolesOf(user)).toEqual(['analyst', 'editor']);
    expect((await admit(scene, user.subject, ['editor'], 50)).roles).toEqual(['editor']);
  });
});
