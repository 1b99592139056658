import { randomUUID } from 'node:crypto';
import { viewOf } from '@rollcall/jit-auth/http/signed-in-user';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import { protectSubjects } from '@rollcall/shared/access/protection';
import { toConnectionId, toDirectoryId, toSubject, type UserId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import { readSession } from '@rollcall/shared/db/sessions';
import { findUser } from '@rollcall/shared/db/users';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen, until } from '../outbox/changes.ts';
import {
  ACME,
  admit,
  assertion,
  at,
  countAudit,
  noteSignIn,
  OPERATOR,
  openScene,
  run,
  type Scene,
  START,
  SWEEP,
  signInOf,
  step,
} from './people.ts';

const GLOBEX = toConnectionId('globex');
const BOTH: ReadonlySet<string> = new Set([ACME, GLOBEX]);
const HOUR = 3_600_000;

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  await registerConnection(scene.db, GLOBEX, 'https://idp.globex.example', START);
});
afterEach(() => scene.drop());

/** Signs somebody in by a connection, under one e-mail. */
function enter(connectionId: typeof ACME, name: string, roles: string[], seconds: number) {
  const profile = { email: 'ada@acme.example', givenName: 'Ada', familyName: 'Lovelace' };
  return admit(scene, name, roles, seconds, { connectionId, profile });
}

async function read(
  session: { id: Parameters<typeof readSession>[1] },
  seconds: number,
  trusted = BOTH,
) {
  const reading = await readSession(
    scene.db,
    session.id,
    { idleMs: HOUR, used: true, trusted },
    at(seconds),
  );
  if (reading.kind === 'dead') return reading.reason ?? reading.why;
  const { id, roles } = viewOf(reading.user, reading.roles);
  return { id, roles };
}

const join = (first: UserId, second: UserId, actor = OPERATOR, seconds = 50) =>
  run(
    scene,
    { kind: 'join', userId: second, withUserId: first, evidence: { because: 'test' } },
    actor,
    seconds,
  );
const separate = (userId: UserId, seconds = 70) =>
  run(scene, { kind: 'separate', userId, evidence: {} }, OPERATOR, seconds);
const deactivatePerson = (userId: UserId, seconds = 60) => {
  const change = {
    ...step('deactivate', userId, { reason: 'by_admin' }),
    kind: 'deactivate' as const,
  };
  return inTransaction(scene.db, (tx) => applyToPerson(tx, change, OPERATOR, at(seconds)));
};

describe('one e-mail by two connections', () => {
  it('is two users, whatever their names: nothing but an administrator joins', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    expect(two.created).toBe(true);
    expect(two.user.id).not.toBe(one.user.id);
    expect(await read(one.session, 2)).toEqual({ id: one.user.id, roles: ['analyst'] });
    expect(await read(two.session, 2)).toEqual({ id: two.user.id, roles: ['editor'] });
  });

  it.each([
    ['an assertion', assertion()],
    ['a sweep', SWEEP],
  ])('%s does not join', async (_, actor) => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    expect(await join(one.user.id, two.user.id, actor)).toMatchObject({ code: 'not_by_hand' });
  });
});

describe('records that are joined', () => {
  it('end their sessions, and are one person from the next sign-in on, by either connection', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    expect(await join(one.user.id, two.user.id)).toMatchObject({
      kind: 'applied',
      sessionsEnded: 2,
    });
    expect(await read(one.session, 51)).toBe('joined');
    expect(await read(two.session, 51)).toBe('joined');
    const both = { id: one.user.id, roles: ['analyst', 'editor'] };
    expect(await read((await enter(ACME, 'ada', ['analyst'], 52)).session, 53)).toEqual(both);
    expect(await read((await enter(GLOBEX, 'ada', ['editor'], 54)).session, 55)).toEqual(both);
    expect(await join(one.user.id, two.user.id)).toMatchObject({ kind: 'unchanged' });
  });

  it('keep a life each: what one loses, the person loses, and nothing else', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    await join(one.user.id, two.user.id);
    const [first, second] = [
      await enter(ACME, 'ada', ['analyst'], 52),
      await enter(GLOBEX, 'ada', ['editor'], 53),
    ];
    await noteSignIn(scene, 60, GLOBEX);
    await run(scene, step('contain', two.user.id, { reason: 'held' }), SWEEP, 60);
    // Contained: a fresh assertion by that connection is owed, which this session is not.
    expect(await read(first.session, 61)).toEqual({ id: one.user.id, roles: ['analyst'] });
    await run(scene, step('deactivate', two.user.id), SWEEP, 62);
    expect(await read(first.session, 63)).toEqual({ id: one.user.id, roles: ['analyst'] });
    expect(await read(second.session, 63)).toBe('absent');
    await run(scene, step('restore', two.user.id, { observedAt: at(64) }), SWEEP, 65);
    expect(await read(first.session, 66)).toEqual({
      id: one.user.id,
      roles: ['analyst', 'editor'],
    });
    // A connection that was taken out of the configuration gives nobody anything.
    expect(await read(first.session, 67, new Set([ACME]))).toEqual({
      id: one.user.id,
      roles: ['analyst'],
    });
  });

  it('are all shut out by an administrator, and come back by one', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    await join(one.user.id, two.user.id);
    const live = await enter(ACME, 'ada', ['analyst'], 52);
    const outcomes = await deactivatePerson(two.user.id);
    expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['applied', 'applied']);
    expect(await read(live.session, 61)).toBe('by_admin');
    for (const connectionId of [ACME, GLOBEX]) {
      const again = signInOf('ada', ['analyst'], 70, { connectionId });
      expect(await run(scene, again, assertion(), 70)).toMatchObject({ code: 'deactivated' });
    }
    const change = {
      ...step('restore', one.user.id, { reason: 'by_admin' }),
      kind: 'restore' as const,
    };
    await inTransaction(scene.db, (tx) => applyToPerson(tx, change, OPERATOR, at(80)));
    expect(await read((await enter(GLOBEX, 'ada', ['editor'], 90)).session, 91)).toEqual({
      id: one.user.id,
      roles: ['analyst', 'editor'],
    });
  });

  it('are separated: sessions end, and each is itself again', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    await join(one.user.id, two.user.id);
    const live = await enter(GLOBEX, 'ada', ['editor'], 52);
    expect(await separate(one.user.id)).toMatchObject({ kind: 'applied', sessionsEnded: 1 });
    expect(await read(live.session, 71)).toBe('separated');
    expect(await read((await enter(GLOBEX, 'ada', ['editor'], 72)).session, 73)).toEqual({
      id: two.user.id,
      roles: ['editor'],
    });
    expect(await findUser(scene.db, one.user.id)).toMatchObject({ personId: null });
    expect(await separate(one.user.id)).toMatchObject({ kind: 'unchanged' });
  });

  it('may be three; the one that gives the id goes last', async () => {
    const people = [
      await enter(ACME, 'ada', ['analyst'], 0),
      await enter(GLOBEX, 'ada', ['editor'], 1),
      await enter(GLOBEX, 'ada-2', ['finance'], 2),
    ];
    const [one, two, three] = people.map(({ user }) => user.id) as [UserId, UserId, UserId];
    await join(one, two);
    const live = await enter(ACME, 'ada', ['analyst'], 51);
    await join(two, three, OPERATOR, 52);
    // Her rights would have grown.
    expect(await read(live.session, 53)).toBe('joined');
    expect(await findUser(scene.db, three)).toMatchObject({ personId: one });
    expect(await separate(one)).toMatchObject({ code: 'gives_person_id' });
    expect(await separate(two)).toMatchObject({ kind: 'applied' });
    expect(await findUser(scene.db, three)).toMatchObject({ personId: one });
    expect(await separate(one)).toMatchObject({ kind: 'applied' });
    expect(await findUser(scene.db, three)).toMatchObject({ personId: null });
  });

  it('are audited and told of, each record by itself, under the id of the person', async () => {
    const one = await enter(ACME, 'ada', ['analyst'], 0);
    const two = await enter(GLOBEX, 'ada', ['editor'], 1);
    const { heard, relay } = await listen(scene, 'crm');
    await join(one.user.id, two.user.id);
    await until('four changes', () => heard.length === 4);
    await relay.stop();
    for (const id of [one.user.id, two.user.id]) {
      expect(await countAudit(scene, id)).toMatchObject({ 'user.joined': 1 });
      expect(heard.filter(({ user }) => user.record === id)).toMatchObject([
        { kind: 'session.revoked', reason: 'joined', user: { id: one.user.id } },
        { kind: 'user.changed', reason: 'joined', profile: { email: 'ada@acme.example' } },
      ]);
    }
    const { rows } = await scene.pool.query(
      "select actor, reason, evidence from audit_events where kind = 'user.joined' limit 1",
    );
    expect(rows[0]).toMatchObject({
      actor: { kind: 'operator', name: 'oda' },
      reason: 'by_admin',
      evidence: { because: 'test', person: one.user.id, sessionsEnded: 1 },
    });
  });
});

describe('what is not joined', () => {
  it('is a record with itself, one of another person, one to be purged, and nobody', async () => {
    const [one, two, three, four] = [
      (await enter(ACME, 'a', ['analyst'], 0)).user.id,
      (await enter(GLOBEX, 'b', ['analyst'], 0)).user.id,
      (await enter(ACME, 'c', ['analyst'], 0)).user.id,
      (await enter(GLOBEX, 'd', ['analyst'], 0)).user.id,
    ] as [UserId, UserId, UserId, UserId];
    expect(await join(one, one)).toMatchObject({ code: 'same_user' });
    await join(one, two);
    expect(await join(three, two)).toMatchObject({ code: 'already_joined' });
    expect(await join(three, one)).toMatchObject({ code: 'already_joined' });
    await scene.pool.query(
      "update users set state = 'purge_eligible', cause = 'sweep' where id = $1",
      [four],
    );
    expect(await join(three, four)).toMatchObject({ code: 'purge_eligible' });
    expect(await join(three, randomUUID() as UserId)).toMatchObject({ code: 'no_such_user' });
  });

  it('is somebody whom an administrator has shut out, with somebody whom not', async () => {
    const one = (await enter(ACME, 'a', ['analyst'], 0)).user.id;
    const two = (await enter(GLOBEX, 'b', ['analyst'], 0)).user.id;
    await deactivatePerson(two);
    expect(await join(one, two)).toMatchObject({ code: 'shut_out' });
    expect(await join(two, one)).toMatchObject({ code: 'shut_out' });
  });

  it('comes to be by no race: a deactivation and a join at once leave nobody in by the back door', async () => {
    for (let round = 0; round < 25; round++) {
      const one = (await enter(ACME, `a-${round}`, ['analyst'], 0)).user.id;
      const two = (await enter(GLOBEX, `b-${round}`, ['analyst'], 0)).user.id;
      const [, joined] = await Promise.all([deactivatePerson(one), join(one, two)]);
      const states = [await findUser(scene.db, one), await findUser(scene.db, two)].map(
        (user) => user?.state,
      );
      const both = ['deactivated', 'deactivated'];
      if (joined.kind === 'applied') expect(states).toEqual(both);
      else
        expect([joined, states]).toMatchObject([{ code: 'shut_out' }, ['deactivated', 'active']]);
    }
  });
});

describe('the last admins', () => {
  it('are counted as people: two records of one are one', async () => {
    const one = (await enter(ACME, 'one', ['admin'], 0)).user.id;
    const twin = (await enter(GLOBEX, 'one', ['admin'], 0)).user.id;
    const two = (await enter(ACME, 'two', ['admin'], 0)).user.id;
    await join(one, twin);
    // Three records, two people: no automation takes either, by whatever record holds it alone.
    expect(await run(scene, step('deactivate', two), SWEEP, 60)).toMatchObject({
      code: 'last_admin',
    });
    // Whoever still holds it by another record loses nothing.
    expect(await run(scene, step('deactivate', twin), SWEEP, 61)).toMatchObject({
      kind: 'applied',
    });
    expect(await run(scene, step('deactivate', one), SWEEP, 62)).toMatchObject({
      code: 'last_admin',
    });
    expect(await deactivatePerson(two, 63)).toMatchObject([{ outcome: { kind: 'applied' } }]);
    expect(await run(scene, step('deactivate', one), OPERATOR, 64)).toMatchObject({
      code: 'last_admin',
    });
  });
});

describe('protection by an administrator', () => {
  const protect = (
    userId: UserId,
    kind: 'protect' | 'unprotect',
    seconds: number,
    actor = OPERATOR,
  ) => run(scene, { kind, userId, evidence: {} }, actor, seconds);

  it('is undone by no sign-in and no sweep, and keeps what either would take', async () => {
    const { user } = await enter(ACME, 'ada', ['analyst', 'editor'], 0);
    expect(await protect(user.id, 'protect', 1, SWEEP)).toMatchObject({ code: 'not_by_hand' });
    expect(await protect(user.id, 'protect', 1)).toMatchObject({
      kind: 'applied',
      user: { protected: true },
    });
    expect(await protect(user.id, 'protect', 2)).toMatchObject({ kind: 'unchanged' });
    const again = await enter(ACME, 'ada', ['analyst'], 3);
    expect(again.roles).toEqual(['analyst', 'editor']);
    await inTransaction(scene.db, (tx) => protectSubjects(tx, ACME, new Set()));
    expect(await run(scene, step('deactivate', user.id), SWEEP, 4)).toMatchObject({
      code: 'protected',
    });
    expect(await protect(user.id, 'unprotect', 5)).toMatchObject({
      kind: 'applied',
      user: { protected: false },
    });
    expect((await enter(ACME, 'ada', ['analyst'], 6)).roles).toEqual(['analyst']);
    expect(await run(scene, step('deactivate', user.id), SWEEP, 7)).toMatchObject({
      kind: 'applied',
    });
    expect(await countAudit(scene, user.id)).toMatchObject({
      'user.protected': 1,
      'user.unprotected': 1,
    });
  });

  it('is another thing than that of the configuration', async () => {
    const subject = toSubject('ada');
    const { user } = await admit(scene, 'ada', ['analyst'], 0, {
      protected: true,
      subject,
      directoryId: toDirectoryId('ada'),
    });
    await protect(user.id, 'protect', 1);
    expect(await protect(user.id, 'unprotect', 2)).toMatchObject({
      user: { protected: true, protectedByAdmin: false },
    });
  });
});
