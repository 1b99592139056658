import { randomUUID } from 'node:crypto';
import { toDirectoryId, toSubject, type UserId } from '@rollcall/shared/core/ids';
import { readSession } from '@rollcall/shared/db/sessions';
import { findUser, findUserBySubject, grantsOf } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  at,
  noteSignIn,
  OPERATOR,
  openScene,
  rolesSeen,
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

async function rolesOf(userId: UserId): Promise<string[]> {
  return (await grantsOf(scene.db, userId)).map((grant) => grant.role);
}

describe('a listing that began before a sign-in', () => {
  it('changes no role, though the clock of the identity provider is behind', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    // The editor's group has been taken away; the assertion says so, stamped 90 s late.
    await admit(scene, user.subject, ['analyst'], 100, { issuedAt: at(10) });
    expect(await run(scene, rolesSeen(user.id, ['analyst', 'editor'], 50), SWEEP, 110)).toEqual({
      kind: 'stale',
      why: 'signed_in_since',
    });
    expect(await rolesOf(user.id)).toEqual(['analyst']);
  });

  it('does change them where it began after', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    const outcome = await run(scene, rolesSeen(user.id, ['analyst'], 50), SWEEP, 60);
    expect(outcome).toMatchObject({ kind: 'applied', roles: ['analyst'] });
  });
});

describe('whoever is deactivated', () => {
  it('keeps every grant for the day of return, whatever a listing says of groups', async () => {
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0);
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    expect(await run(scene, rolesSeen(user.id, [], 20), SWEEP, 30)).toMatchObject({
      kind: 'refused',
      code: 'deactivated',
    });
    expect(await rolesOf(user.id)).toEqual(['analyst', 'editor']);
    await run(scene, step('restore', user.id, { observedAt: at(40) }), SWEEP, 50);
    expect(await findUser(scene.db, user.id)).toMatchObject({ state: 'active', cause: null });
  });

  it.each([
    ['before it', 9, { kind: 'stale', why: 'newer_state' }],
    ['at the same moment', 10, { kind: 'stale', why: 'newer_state' }],
    ['after it', 11, { kind: 'applied' }],
  ])('comes back, or not, by what was seen %s', async (_when, seen, outcome) => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    const change = step('restore', user.id, { observedAt: at(seen) });
    expect(await run(scene, change, SWEEP, 20)).toMatchObject(outcome);
  });

  it('does not come back because an earlier listing named them, even with the right version', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id, { observedAt: at(5) }), SWEEP, 10);
    const now = await findUser(scene.db, user.id);
    const change = step('restore', user.id, {
      observedAt: at(8),
      expectedVersion: now?.version ?? -1,
    });
    expect(await run(scene, change, SWEEP, 20)).toMatchObject({ why: 'newer_state' });
  });

  it('gets no session and no role by an assertion, and an operator cannot end what a sweep began', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    const back = await run(scene, signInOf(user.subject, ['admin'], 20), assertion(), 20);
    expect(back).toMatchObject({ kind: 'refused', code: 'deactivated' });
    expect(await rolesOf(user.id)).toEqual(['analyst']);
    expect(await run(scene, step('restore', user.id), OPERATOR, 30)).toMatchObject({
      code: 'other_cause',
    });
  });
});

describe('whoever is contained', () => {
  it('gets no session by an assertion from before the containment', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await noteSignIn(scene, 0);
    await run(scene, step('contain', user.id, { reason: 'held' }), SWEEP, 10);
    const old = signInOf(user.subject, ['analyst'], 20, { issuedAt: at(10), begunAt: at(10) });
    expect(await run(scene, old, assertion(), 20)).toMatchObject({
      kind: 'refused',
      code: 'assertion_too_old',
    });
    expect(
      await readSession(scene.db, old.session.id, { idleMs: HOUR, used: true }, at(21)),
    ).toMatchObject({
      why: 'unknown_session',
    });
    const fresh = await admit(scene, user.subject, ['analyst'], 30, { issuedAt: at(11) });
    expect(fresh.user.state).toBe('active');
  });

  it('is told apart from whoever is merely suspected, who may come in by an older one', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, step('suspect', user.id), SWEEP, 10);
    const old = await admit(scene, user.subject, ['analyst'], 20, { issuedAt: at(9) });
    expect(old.user.state).toBe('suspected');
  });
});

describe('a sign-in that is refused for want of a role', () => {
  it('is audited with what it changed all the same', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0);
    await run(scene, rolesSeen(user.id, [], 10), SWEEP, 20);
    await run(scene, step('suspect', user.id), SWEEP, 30);
    const outcome = await run(scene, signInOf(user.subject, [], 40), assertion(), 40);
    expect(outcome).toMatchObject({ kind: 'refused', code: 'no_role', user: { state: 'active' } });
    const rows = await scene.pool.query(
      "select before->>'state' as was, after->>'state' as is from audit_events where user_id = $1 and kind = 'user.changed'",
      [user.id],
    );
    expect(rows.rows).toEqual([{ was: 'suspected', is: 'active' }]);
  });
});

describe('the protected', () => {
  it('lose nothing by a sign-in that asserts fewer groups, and gain what it asserts', async () => {
    const kept = { protected: true };
    const { user } = await admit(scene, name(), ['analyst', 'editor'], 0, kept);
    const again = await admit(scene, user.subject, ['finance'], 60, kept);
    expect(again.roles).toEqual(['analyst', 'editor', 'finance']);
    expect((await admit(scene, user.subject, [], 120, kept)).roles).toEqual(again.roles);
  });

  it.each(['suspect', 'contain', 'deactivate'] as const)(
    'are spared by a sweep that would %s',
    async (kind) => {
      const { user } = await admit(scene, name(), ['analyst'], 0, { protected: true });
      expect(await run(scene, step(kind, user.id), SWEEP, 10)).toMatchObject({ code: 'protected' });
      expect(await run(scene, rolesSeen(user.id, [], 20), SWEEP, 20)).toMatchObject({
        code: 'protected',
      });
    },
  );
});

describe('what the tables hold', () => {
  it('tells subjects apart by bytes: composed, decomposed, look-alike, other case', async () => {
    const tail = randomUUID();
    const twins = ['jos\u00e9', 'jose\u0301', 'j\u043es\u00e9', 'JOS\u00c9', 'jose'].map(
      (first) => `${first}-${tail}`,
    );
    const users = [];
    for (const twin of twins) users.push((await admit(scene, twin, ['analyst'], 0)).user);
    expect(new Set(users.map((user) => user.id)).size).toBe(twins.length);
    for (const [index, twin] of twins.entries()) {
      const found = await findUserBySubject(scene.db, ACME, toSubject(twin));
      expect(found?.id).toBe(users[index]?.id);
    }
  });

  it('gives groups and attributes back as they came', async () => {
    const groups = ['NULL', '', '{}', 'a,b', 'a"b', 'a\\b', "o'hara", ' x ', '😀', 'null', '\n'];
    const attributes = new Map([
      ['__proto__', ['polluted']],
      ['constructor', ['x']],
      ['title', ['"quoted"', '\\', 'é']],
      ['empty', []],
    ]);
    const { user } = await admit(scene, name(), ['analyst'], 0, { groups, attributes });
    const read = await findUser(scene.db, user.id);
    expect(read?.groups).toEqual(groups);
    expect([...(read?.attributes ?? [])].sort()).toEqual([...attributes].sort());
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('holds ten thousand groups', async () => {
    const groups = Array.from({ length: 10_000 }, (_, i) => `group ${i}`);
    const { user } = await admit(scene, name(), ['analyst'], 0, { groups });
    expect((await findUser(scene.db, user.id))?.groups).toEqual(groups);
  });

  it('refuses the same subject under another id of the directory, in the other case, too', async () => {
    const { user } = await admit(scene, name(), ['analyst'], 0, {
      directoryId: toDirectoryId('00uA'),
    });
    const other = signInOf(user.subject, ['analyst'], 60, { directoryId: toDirectoryId('00ua') });
    expect(await run(scene, other, assertion(), 60)).toMatchObject({
      code: 'directory_id_changed',
    });
  });
});
