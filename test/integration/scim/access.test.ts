import { apply } from '@rollcall/shared/access/apply';
import type { AccessOutcome, StateChange } from '@rollcall/shared/access/change';
import { toUserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_USER, openScim, type ScimScene } from '../../support/scim.ts';
import { signIn as signInBy } from './sign-in.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const signIn = (subject: string, more?: Parameters<typeof signInBy>[2]) =>
  signInBy(scene.db, subject, more);

function byAdmin(kind: 'deactivate' | 'restore', id: string): Promise<AccessOutcome> {
  const change: StateChange = {
    kind,
    userId: toUserId(id),
    expectedVersion: null,
    observedAt: null,
    reason: 'by_admin',
    evidence: {},
  };
  return inTransaction(scene.db, (tx) =>
    apply(tx, change, { kind: 'operator', name: 'oda' }, currentTime()),
  );
}

async function rowOf(id: string) {
  const { rows } = await scene.fresh.pool.query('select * from users where id = $1', [id]);
  return rows[0];
}

async function liveSessions(id: string): Promise<number> {
  const { rows } = await scene.fresh.pool.query(
    'select count(*)::int as count from sessions where user_id = $1 and ended_at is null',
    [id],
  );
  return rows[0].count;
}

async function grantsOf(id: string): Promise<string[]> {
  const { rows } = await scene.fresh.pool.query(
    'select role, channel from grants where user_id = $1 order by role, channel',
    [id],
  );
  return rows.map(({ role, channel }) => `${role} by ${channel}`);
}

let count = 0;
const someone = () => `x-${count++}`;
const setActive = (id: string, value: unknown) =>
  scene.acme.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value }]);

describe('somebody whom SCIM has made known', () => {
  it('signs in by the external id, as nobody else, under the name that SCIM gives', async () => {
    const subject = someone();
    const id = await scene.acme.user(`${subject}@acme.example`, {
      externalId: subject,
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [{ value: 'ada@acme.example', primary: true }],
    });
    const outcome = await signIn(subject, { roles: ['analyst'] });
    expect(outcome).toMatchObject({ kind: 'applied', created: false, user: { id, owner: 'scim' } });
    expect(await rowOf(id)).toMatchObject({
      email: 'ada@acme.example',
      given_name: 'Ada',
      family_name: 'Lovelace',
    });
  });

  it('has no role, and no entry, until a group gives one', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    expect(await signIn(subject)).toMatchObject({ kind: 'refused', code: 'no_role' });
    const group = await scene.acme.group('BI-Analysts', [id]);
    expect(await signIn(subject)).toMatchObject({ kind: 'applied', roles: ['analyst'] });
    expect(await liveSessions(id)).toBe(1);
    await scene.acme.delete(`/Groups/${group}`);
    expect(await grantsOf(id)).toEqual([]);
    expect(await liveSessions(id)).toBe(0);
  });

  it('keeps what each channel gives, whatever the other takes', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    const group = await scene.acme.group('bi:reports', [id]);
    await signIn(subject, { roles: ['analyst', 'editor'] });
    expect(await grantsOf(id)).toEqual(['analyst by roll', 'analyst by scim', 'editor by roll']);
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'remove', path: `members[value eq "${id}"]` },
    ]);
    expect(await grantsOf(id)).toEqual(['analyst by roll', 'editor by roll']);
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'add', path: 'members', value: [{ value: id }] },
    ]);
    await signIn(subject);
    expect(await grantsOf(id)).toEqual(['analyst by scim']);
  });

  it('gets roles by attributes, and by the name of a group that is renamed', async () => {
    const id = await scene.acme.user(someone(), { roles: [{ value: 'editor' }] });
    expect(await grantsOf(id)).toEqual(['editor by scim']);
    const group = await scene.acme.group('Nothing', [id]);
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'replace', value: { id: group, displayName: 'bi:renamed' } },
    ]);
    expect(await grantsOf(id)).toEqual(['analyst by scim', 'editor by scim']);
    await scene.acme.patch(`/Users/${id}`, [{ op: 'remove', path: 'roles' }]);
    expect(await grantsOf(id)).toEqual(['analyst by scim']);
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'replace', path: 'displayName', value: 'Nothing' },
    ]);
    expect(await grantsOf(id)).toEqual([]);
  });
});

describe('the end of access', () => {
  it.each(['False', false, 'false'])(
    'is there, sessions and all, when %j is answered',
    async (value) => {
      const subject = someone();
      const id = await scene.acme.user(subject, { externalId: subject });
      await signIn(subject, { roles: ['analyst'] });
      expect(await liveSessions(id)).toBe(1);
      const patched = await setActive(id, value);
      expect(patched).toMatchObject({ status: 200, body: { active: false } });
      expect(await liveSessions(id)).toBe(0);
      expect(await rowOf(id)).toMatchObject({
        state: 'deactivated',
        cause: 'scim',
        state_reason: 'scim_inactive',
      });
      expect(await signIn(subject, { roles: ['analyst'] })).toMatchObject({
        kind: 'refused',
        code: 'deactivated',
      });
      // Still there to be seen, and by the name by which the client looks.
      const found = await scene.acme.get(
        `/Users?filter=externalId eq "${subject}" and active eq false`,
      );
      expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id, active: false }] });
      expect(await setActive(id, 'True')).toMatchObject({ status: 200, body: { active: true } });
      expect(await signIn(subject, { roles: ['analyst'] })).toMatchObject({
        kind: 'applied',
        roles: ['analyst'],
      });
    },
  );

  it('comes with DELETE, and only SCIM ends it', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    await signIn(subject, { roles: ['analyst'] });
    await scene.acme.delete(`/Users/${id}`);
    expect(await liveSessions(id)).toBe(0);
    expect(await signIn(subject, { roles: ['analyst'] })).toMatchObject({
      kind: 'refused',
      code: 'deactivated',
    });
    expect(await byAdmin('restore', id)).toMatchObject({ kind: 'refused', code: 'other_cause' });
    expect(await scene.acme.user(subject, { externalId: subject })).toBe(id);
    expect(await signIn(subject, { roles: ['analyst'] })).toMatchObject({ kind: 'applied' });
  });

  it('by an administrator is not undone by SCIM, which is told', async () => {
    const id = await scene.acme.user(someone());
    await byAdmin('deactivate', id);
    expect((await scene.acme.get(`/Users/${id}`)).body.active).toBe(false);
    const refused = await setActive(id, true);
    expect(refused.status).toBe(403);
    expect(refused.body.detail).toMatch(/administrator.*scim\.other_cause/);
    // Other attributes are SCIM's all the same.
    const titled = await scene.acme.patch(`/Users/${id}`, [
      { op: 'add', path: 'title', value: 'Dr' },
    ]);
    expect(titled).toMatchObject({ status: 200, body: { active: false, title: 'Dr' } });
  });

  it('by SCIM stands when an administrator gives back what an administrator took', async () => {
    const id = await scene.acme.user(someone());
    await byAdmin('deactivate', id);
    expect((await setActive(id, false)).status).toBe(200);
    expect(await byAdmin('restore', id)).toMatchObject({
      kind: 'applied',
      user: { state: 'deactivated', cause: 'scim' },
    });
    expect(await byAdmin('restore', id)).toMatchObject({ kind: 'refused', code: 'other_cause' });
    expect((await setActive(id, true)).body.active).toBe(true);
  });

  it('takes a membership that went meanwhile into account on the day of return', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    const group = await scene.acme.group('bi:meanwhile', [id]);
    await setActive(id, false);
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'remove', path: 'members', value: [{ value: id, $ref: null }] },
    ]);
    expect(await grantsOf(id)).toEqual([]);
    await setActive(id, true);
    expect(await grantsOf(id)).toEqual([]);
  });

  it('gives no role that came meanwhile before the day of return', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    await setActive(id, false);
    await scene.acme.group('bi:came', [id]);
    expect(await grantsOf(id)).toEqual([]);
    await setActive(id, true);
    expect(await grantsOf(id)).toEqual(['analyst by scim']);
  });

  it('by an administrator does not keep a membership that went meanwhile', async () => {
    const subject = someone();
    const id = await scene.acme.user(subject, { externalId: subject });
    const group = await scene.acme.group('bi:shut-out', [id]);
    expect(await byAdmin('deactivate', id)).toMatchObject({ kind: 'applied' });
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'remove', path: 'members', value: [{ value: id }] },
    ]);
    expect(await byAdmin('restore', id)).toMatchObject({ kind: 'applied' });
    expect(await grantsOf(id)).toEqual([]);
  });
});

describe('somebody whom a sign-in has made known', () => {
  it('is taken over by SCIM, and not made again', async () => {
    const subject = someone();
    const first = await signIn(subject, { roles: ['analyst'] });
    const id = first.kind === 'applied' ? first.user.id : '';
    expect(await scene.acme.user(subject, { externalId: subject, displayName: 'Taken' })).toBe(id);
    expect(await rowOf(id)).toMatchObject({ owner: 'scim', state: 'active' });
    expect(await grantsOf(id)).toEqual(['analyst by roll']);
    expect(await liveSessions(id)).toBe(1);
    const { rows } = await scene.fresh.pool.query(
      "select kind from audit_events where user_id = $1 and kind = 'user.handed_over'",
      [id],
    );
    expect(rows).toHaveLength(1);
  });

  it('and is inactive to SCIM, loses access at once', async () => {
    const subject = someone();
    const first = await signIn(subject, { roles: ['analyst'] });
    const id = first.kind === 'applied' ? first.user.id : '';
    await scene.acme.user(subject, { externalId: subject, active: false });
    expect(await liveSessions(id)).toBe(0);
    expect(await rowOf(id)).toMatchObject({ owner: 'scim', state: 'deactivated', cause: 'scim' });
  });

  it('stays out whom an administrator shut out, and nothing is made', async () => {
    const subject = someone();
    const first = await signIn(subject, { roles: ['analyst'] });
    const id = first.kind === 'applied' ? first.user.id : '';
    await byAdmin('deactivate', id);
    const post = await scene.acme.post('/Users', {
      schemas: [CORE_USER],
      userName: subject,
      externalId: subject,
    });
    expect(post.status).toBe(403);
    expect(await rowOf(id)).toMatchObject({ owner: 'roll', cause: 'admin' });
    expect((await scene.acme.get(`/Users/${id}`)).status).toBe(404);
  });
});

it('makes one user of two requests and two sign-ins at once', async () => {
  for (let round = 0; round < 5; round++) {
    const subject = someone();
    const user = { schemas: [CORE_USER], userName: subject, externalId: subject };
    const [one, other] = await Promise.all([
      scene.acme.post('/Users', user),
      scene.acme.post('/Users', user),
      signIn(subject, { roles: ['analyst'] }),
      signIn(subject, { roles: ['analyst'] }),
    ]);
    expect([one.status, other.status].sort()).toEqual([201, 409]);
    const { rows } = await scene.fresh.pool.query(
      'select owner, state from users where subject = $1',
      [subject],
    );
    expect(rows).toEqual([{ owner: 'scim', state: 'active' }]);
  }
});

describe('where SCIM alone says who there is', () => {
  it('lets in whom it knows', async () => {
    const subject = someone();
    await scene.acme.user(subject, { externalId: subject });
    expect(await signIn(subject, { provisioning: 'scim', roles: ['analyst'] })).toMatchObject({
      kind: 'applied',
    });
  });

  it('refuses whom it does not know, and whom only a sign-in has made known', async () => {
    const subject = someone();
    expect(await signIn(subject, { provisioning: 'scim', roles: ['analyst'] })).toMatchObject({
      kind: 'refused',
      code: 'not_provisioned',
      user: null,
    });
    await signIn(subject, { roles: ['analyst'] });
    expect(await signIn(subject, { provisioning: 'scim', roles: ['analyst'] })).toMatchObject({
      kind: 'refused',
      code: 'not_provisioned',
    });
  });
});

describe('the last who hold a privileged role', () => {
  it('keep it, and the client reads why', async () => {
    const admin = () => scene.acme.user(someone(), { externalId: someone() });
    const [first, second, third] = await Promise.all([admin(), admin(), admin()]);
    const members = [first, second, third] as string[];
    const group = await scene.acme.group('BI-Admins', members);
    expect((await setActive(String(third), false)).status).toBe(200);
    const kept = await setActive(String(second), false);
    expect(kept.status).toBe(403);
    expect(kept.body.detail).toMatch(/last two who hold a privileged role.*scim\.last_admin/);
    expect((await scene.acme.delete(`/Users/${second}`)).status).toBe(403);
    const all = await scene.acme.patch(`/Groups/${group}`, [{ op: 'remove', path: 'members' }]);
    expect(all.status).toBe(403);
    expect(all.body.detail).toContain('admin');
    expect((await scene.acme.delete(`/Groups/${group}`)).status).toBe(403);
    expect((await scene.acme.get(`/Groups/${group}`)).body.members).toHaveLength(3);
    const more = await admin();
    await scene.acme.patch(`/Groups/${group}`, [
      { op: 'add', path: 'members', value: [{ value: more }] },
    ]);
    expect((await setActive(String(second), false)).status).toBe(200);
  });
});

it('writes into the audit trail who did it', async () => {
  const id = await scene.acme.user(someone());
  await setActive(id, false);
  const { rows } = await scene.fresh.pool.query(
    'select kind, actor, reason from audit_events where user_id = $1 order by id',
    [id],
  );
  const actor = { kind: 'scim', connection: 'acme', token: 'test' };
  expect(rows).toEqual([
    { kind: 'user.created', actor, reason: 'scim_provisioned' },
    { kind: 'user.deactivated', actor, reason: 'scim_inactive' },
  ]);
});
