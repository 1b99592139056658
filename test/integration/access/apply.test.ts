import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { readSession } from '@rollcall/shared/db/sessions';
import { grantsOf } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  at,
  countAudit,
  known,
  noteSignIn,
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

const HOUR = 3_600_000;
const name = () => `u-${randomUUID()}`;

describe('sign-in', () => {
  it('makes the user, the grants, the session, the audit rows and the outbox rows at once', async () => {
    const { user, session } = await admit(scene, name(), ['analyst'], 0);
    expect(user).toMatchObject({ state: 'active', owner: 'roll', cause: null });
    expect((await grantsOf(scene.db, user.id)).map((g) => g.role)).toEqual(['analyst']);
    expect(
      await readSession(scene.db, session.id, { idleMs: HOUR, used: true }, at(1)),
    ).toMatchObject({
      kind: 'live',
      roles: ['analyst'],
    });
    expect(await countAudit(scene, user.id)).toEqual({ 'user.created': 1, 'user.signed_in': 1 });
  });

  it('leaves nothing behind when the transaction fails at its end', async () => {
    const change = signInOf(name(), ['analyst'], 0);
    const failing = scene.db.transaction().execute(async (tx) => {
      await apply(tx, change, assertion(), at(0));
      throw new Error('the power went out');
    });
    await expect(failing).rejects.toThrow('the power went out');
    const rows = await scene.pool.query(
      'select (select count(*) from users where subject = $1) as users, (select count(*) from sessions where id = $2) as sessions',
      [change.subject, change.session.id],
    );
    expect(rows.rows[0]).toEqual({ users: '0', sessions: '0' });
  });

  it('makes one user of two first sign-ins at once', async () => {
    const who = name();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => run(scene, signInOf(who, ['analyst'], 0), assertion(), 0)),
    );
    expect(outcomes.filter((o) => o.kind === 'applied' && o.created)).toHaveLength(1);
    const ids = new Set(outcomes.map((o) => (o.kind === 'applied' ? o.user.id : 'refused')));
    expect(ids.size).toBe(1);
  });

  it('refuses somebody who is deactivated, and makes no session', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    const again = signInOf(user.subject, ['analyst'], 20);
    expect(await run(scene, again, assertion(), 20)).toMatchObject({
      kind: 'refused',
      code: 'deactivated',
    });
    expect(
      await readSession(scene.db, again.session.id, { idleMs: HOUR, used: true }, at(21)),
    ).toMatchObject({
      kind: 'dead',
      why: 'unknown_session',
    });
  });

  it('changes no grant when the groups are missing', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    const mapping = { kind: 'unknown' as const, because: 'groups_missing' as const };
    const again = await admit(scene, user.subject, [], 60, { mapping, groups: null });
    expect(again.roles).toEqual(['analyst', 'editor']);
  });

  it('takes what an authoritative connection no longer asserts, and refuses whoever is left with nothing', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    expect((await admit(scene, user.subject, ['editor'], 60)).roles).toEqual(['editor']);
    const outcome = await run(scene, signInOf(user.subject, [], 120), assertion(), 120);
    expect(outcome).toMatchObject({ kind: 'refused', code: 'no_role' });
    expect(await grantsOf(scene.db, user.id)).toEqual([]);
  });

  it.each([
    ['additive', ['analyst', 'editor']],
    ['first_login', ['analyst']],
  ] as const)('keeps what %s keeps', async (mode, roles) => {
    const { user } = await admit(scene, name(), ['analyst'], 0, { mode });
    expect((await admit(scene, user.subject, ['editor'], 60, { mode })).roles).toEqual(roles);
  });

  it('leaves the roles of later evidence alone when an older assertion arrives late', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    await run(
      scene,
      {
        kind: 'change_roles',
        userId: user.id,
        connectionId: ACME,
        expectedVersion: null,
        observedAt: at(100),
        seenIn: 'directory',
        groups: ['analysts'],
        mapping: known('analyst'),
        mode: 'authoritative',
        privilegedRoles: new Set(['admin']),
        reason: 'groups_changed',
        evidence: {},
      },
      SWEEP,
      101,
    );
    const late = await admit(scene, user.subject, ['analyst', 'editor'], 110, { issuedAt: at(90) });
    expect(late.roles).toEqual(['analyst']);
  });

  it('refuses a subject whose id in the directory has become another', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    const other = signInOf(user.subject, ['analyst'], 60, {
      directoryId: toDirectoryId('someone-else'),
    });
    expect(await run(scene, other, assertion(), 60)).toMatchObject({
      kind: 'refused',
      code: 'directory_id_changed',
    });
  });
});

describe('the one way out', () => {
  it('ends state, sessions and epoch together, keeps the grants, and is audited once', async () => {
    const first = await admit(scene, name(), ['analyst'], 0);
    const second = await admit(scene, first.user.subject, ['analyst'], 1);
    const outcome = await run(scene, step('deactivate', first.user.id), SWEEP, 10);
    expect(outcome).toMatchObject({ kind: 'applied', sessionsEnded: 2 });
    for (const { session } of [first, second]) {
      expect(
        await readSession(scene.db, session.id, { idleMs: HOUR, used: true }, at(11)),
      ).toMatchObject({
        kind: 'dead',
        why: 'deactivated',
        reason: 'absent',
      });
    }
    expect((await grantsOf(scene.db, first.user.id)).map((g) => g.role)).toEqual(['analyst']);
    expect(await run(scene, step('deactivate', first.user.id), SWEEP, 12)).toMatchObject({
      kind: 'unchanged',
    });
    expect((await countAudit(scene, first.user.id))['user.deactivated']).toBe(1);
  });

  it('does nothing when a sign-in is newer than the evidence', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 50);
    const change = step('deactivate', user.id, { observedAt: at(40) });
    expect(await run(scene, change, SWEEP, 60)).toEqual({ kind: 'stale', why: 'signed_in_since' });
  });

  it('does nothing when the user changed after the decision', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    const change = step('deactivate', user.id, {
      expectedVersion: user.version - 1,
      observedAt: at(5),
    });
    expect(await run(scene, change, SWEEP, 10)).toEqual({ kind: 'stale', why: 'version_changed' });
  });

  it('lets only the cause of a deactivation end it', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id, { reason: 'by_admin' }), OPERATOR, 10);
    expect(await run(scene, step('restore', user.id), SWEEP, 20)).toMatchObject({
      kind: 'refused',
      code: 'other_cause',
    });
    expect(await run(scene, step('restore', user.id), OPERATOR, 30)).toMatchObject({
      kind: 'applied',
    });
  });

  it('lets an administrator take over what a sweep disabled, so that no sweep undoes it', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    await run(scene, step('deactivate', user.id, { reason: 'by_admin' }), OPERATOR, 20);
    expect(await run(scene, step('restore', user.id), SWEEP, 30)).toMatchObject({
      kind: 'refused',
      code: 'other_cause',
    });
    expect(await run(scene, step('deactivate', user.id), SWEEP, 40)).toMatchObject({
      kind: 'unchanged',
      user: { cause: 'admin', stateReason: 'by_admin' },
    });
  });

  it('never lets an assertion deactivate, and never a sweep touch the protected or the SCIM-owned', async () => {
    const guarded = await admit(scene, name(), ['analyst'], 0, { protected: true });
    expect(await run(scene, step('deactivate', guarded.user.id), SWEEP, 10)).toMatchObject({
      code: 'protected',
    });
    const pushed = await admit(scene, name(), ['analyst'], 0);
    await scene.pool.query("update users set owner = 'scim' where id = $1", [pushed.user.id]);
    expect(await run(scene, step('deactivate', pushed.user.id), SWEEP, 10)).toMatchObject({
      code: 'not_owned',
    });
    const plain = await admit(scene, name(), ['analyst'], 0);
    expect(await run(scene, step('deactivate', plain.user.id), assertion(), 10)).toMatchObject({
      kind: 'refused',
    });
  });
});

describe('sessions', () => {
  it.each([
    ['idle', 3_700],
    ['expired', 8 * 3_600],
  ])('are dead when %s', async (why, seconds) => {
    const { session } = await admit(scene, name(), ['analyst'], 0);
    expect(
      await readSession(
        scene.db,
        session.id,
        { idleMs: why === 'idle' ? HOUR : 24 * HOUR, used: true },
        at(seconds),
      ),
    ).toMatchObject({
      kind: 'dead',
      why,
    });
  });

  it('of somebody contained need a fresh assertion, and one clears it', async () => {
    const { user, session } = await admit(scene, name(), ['analyst'], 0);
    await noteSignIn(scene, 0);
    await run(scene, step('contain', user.id, { reason: 'held' }), SWEEP, 10);
    expect(
      await readSession(scene.db, session.id, { idleMs: HOUR, used: true }, at(11)),
    ).toMatchObject({
      why: 'fresh_sign_in_needed',
    });
    const fresh = await admit(scene, user.subject, ['analyst'], 20);
    expect(fresh.user.state).toBe('active');
    expect(
      await readSession(scene.db, fresh.session.id, { idleMs: HOUR, used: true }, at(21)),
    ).toMatchObject({
      kind: 'live',
    });
  });

  it('end with their connection', async () => {
    const { session } = await admit(scene, name(), ['analyst'], 0);
    await scene.pool.query("update connections set epoch = epoch + 1 where id = 'acme'");
    expect(
      await readSession(scene.db, session.id, { idleMs: HOUR, used: true }, at(1)),
    ).toMatchObject({
      why: 'epoch_passed',
    });
    await scene.pool.query("update connections set epoch = 1 where id = 'acme'");
  });
});

describe('the audit trail', () => {
  it.each([
    'update audit_events set reason = null',
    'delete from audit_events',
    'truncate audit_events',
  ])('refuses "%s"', async (sql) => {
    await admit(scene, name(), ['analyst'], 0);
    await expect(scene.pool.query(sql)).rejects.toThrow('append-only');
  });
});
