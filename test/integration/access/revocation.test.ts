import { randomUUID } from 'node:crypto';
import type { NamedSessionsEnd, SignedNameId } from '@rollcall/shared/access/change';
import type { Actor } from '@rollcall/shared/core/actor';
import { type SessionId, toConnectionId, toSessionId, toUserId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { readSession } from '@rollcall/shared/db/sessions';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginIn, untilWaitingIn } from './pending.ts';
import {
  ACME,
  admit,
  assertion,
  at,
  OPERATOR,
  openScene,
  run,
  type Scene,
  START,
  signInOf,
} from './people.ts';

const OTHER = toConnectionId('other');
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const UNSPECIFIED = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';
const IDP: Actor = { kind: 'logout_request', connection: 'acme', requestId: '_request' };

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
  await registerConnection(scene.db, OTHER, 'https://other.example', START);
});
afterEach(() => scene.drop());

const begin = beginIn(() => scene);
const untilWaiting = untilWaitingIn(() => scene);

function ofUser(userId: string) {
  const head = { kind: 'end_sessions_of_user' as const, userId: toUserId(userId) };
  return { ...head, reason: 'by_admin', evidence: { because: 'a lost laptop' } };
}

const ofAcme = {
  kind: 'end_sessions_of_connection' as const,
  connectionId: ACME,
  reason: 'by_admin',
  evidence: {},
};

function nameOf(value: string, more: Partial<SignedNameId> = {}): SignedNameId {
  return { value, format: null, nameQualifier: null, spNameQualifier: null, ...more };
}

function logoutOf(
  name: string,
  seconds: number,
  more: Partial<NamedSessionsEnd> = {},
): NamedSessionsEnd {
  return {
    kind: 'end_sessions_by_name',
    connectionId: ACME,
    nameId: nameOf(name),
    sessionIndexes: [],
    requestId: `_${randomUUID()}`,
    issuedAt: at(seconds),
    rememberUntil: at(seconds + 3600),
    reason: 'signed_out_at_idp',
    ...more,
  };
}

/** A sign-in with a session of this name and index. */
function signInAs(
  name: string,
  seconds: number,
  { index = null, nameId = nameOf(name) }: { index?: string | null; nameId?: SignedNameId } = {},
) {
  const change = signInOf(name, ['analyst'], seconds);
  return { ...change, session: { ...change.session, nameId, sessionIndex: index } };
}

async function session(...given: Parameters<typeof signInAs>): Promise<SessionId> {
  const change = signInAs(...given);
  await admit(scene, given[0], ['analyst'], given[1], change);
  return change.session.id;
}

async function stateOf(id: SessionId, seconds: number) {
  const limits = { idleMs: 3_600_000, used: false };
  const reading = await readSession(scene.db, id, limits, at(seconds));
  return reading.kind === 'live' ? 'live' : reading.why;
}

async function trail(kind: 'audit_events' | 'outbox') {
  const where = kind === 'outbox' ? "kind = 'session.revoked'" : "kind = 'sessions.revoked'";
  const { rows } = await scene.pool.query(`select * from ${kind} where ${where} order by id`);
  return rows;
}

describe('the sessions of a user', () => {
  it('end at once, all of them and nobody else’s, audited and told', async () => {
    const ids = [await session('ada', 0), await session('ada', 1)];
    const bob = await session('bob', 0);
    const user = (await scene.pool.query("select id, version from users where subject = 'ada'"))
      .rows[0];
    const outcome = await run(scene, ofUser(user.id), OPERATOR, 10);
    expect(outcome).toEqual({ kind: 'sessions_ended', sessions: 2, users: 1 });
    for (const id of ids) expect(await stateOf(id, 11)).toBe('ended');
    expect(await stateOf(bob, 11)).toBe('live');
    expect(await trail('audit_events')).toEqual([
      expect.objectContaining({
        user_id: user.id,
        connection_id: 'acme',
        actor: OPERATOR,
        reason: 'by_admin',
        evidence: { because: 'a lost laptop', sessionIds: expect.arrayContaining(ids) },
      }),
    ]);
    expect(await trail('outbox')).toEqual([
      expect.objectContaining({
        user_id: user.id,
        payload: { sessionIds: expect.arrayContaining(ids), reason: 'by_admin' },
      }),
    ]);
    const after = await scene.pool.query('select version from users where id = $1', [user.id]);
    expect(after.rows[0].version).toBe(user.version);
  });

  it('is audited where there are none, and refused for nobody', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await run(scene, ofUser(user.id), OPERATOR, 10);
    expect(await run(scene, ofUser(user.id), OPERATOR, 11)).toMatchObject({ sessions: 0 });
    expect(await trail('audit_events')).toHaveLength(2);
    expect(await trail('outbox')).toHaveLength(1);
    expect(await run(scene, ofUser(randomUUID()), OPERATOR, 12)).toMatchObject({
      kind: 'refused',
      code: 'no_such_user',
    });
  });

  it.each([
    [9, 'refused'],
    [10, 'refused'],
    [11, 'applied'],
  ])(
    'ended at 10 s: a sign-in that was begun at %d s and arrives later is %s',
    async (begun, kind) => {
      const { user } = await admit(scene, 'ada', ['analyst'], 0);
      await run(scene, ofUser(user.id), OPERATOR, 10);
      const change = { ...signInAs('ada', 12), begunAt: at(begun) };
      expect(await run(scene, change, assertion(), 13)).toMatchObject(
        kind === 'applied' ? { kind } : { kind, code: 'signed_out_since' },
      );
    },
  );

  it('of a sign-in that came unasked are judged by when it was issued', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await run(scene, ofUser(user.id), OPERATOR, 10);
    const unasked = { begunAt: null };
    expect(await run(scene, { ...signInAs('ada', 9), ...unasked }, assertion(), 13)).toMatchObject({
      code: 'signed_out_since',
    });
    expect(await run(scene, { ...signInAs('ada', 11), ...unasked }, assertion(), 13)).toMatchObject(
      { kind: 'applied' },
    );
  });

  it('end also where the sign-in commits while the revocation waits', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    const change = signInAs('ada', 9);
    const made = begin(change, assertion(), 10);
    await made.made;
    const revoked = begin(ofUser(user.id), OPERATOR, 10);
    await untilWaiting(1);
    expect(await made.commit()).toMatchObject({ kind: 'applied' });
    await revoked.commit();
    expect(await stateOf(change.session.id, 11)).toBe('ended');
  });

  it('end once when two revoke at once', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    const both = await Promise.all([
      run(scene, ofUser(user.id), OPERATOR, 10),
      run(scene, ofUser(user.id), OPERATOR, 10),
    ]);
    expect(both.map((one) => (one.kind === 'sessions_ended' ? one.sessions : -1)).sort()).toEqual([
      0, 1,
    ]);
    expect(await trail('outbox')).toHaveLength(1);
  });
});

describe('the sessions of a connection', () => {
  it('end at once for everybody, and for no other connection', async () => {
    const ids = [await session('ada', 0), await session('bob', 0), await session('bob', 1)];
    const elsewhere = signInOf('ada', ['analyst'], 0, { connectionId: OTHER });
    await run(scene, elsewhere, assertion(), 0);
    expect(await run(scene, ofAcme, OPERATOR, 10)).toEqual({
      kind: 'sessions_ended',
      sessions: 3,
      users: 2,
    });
    for (const id of ids) expect(await stateOf(id, 11)).not.toBe('live');
    expect(await stateOf(elsewhere.session.id, 11)).toBe('live');
    const events = await trail('audit_events');
    expect(events.filter((event) => event.user_id === null)).toHaveLength(1);
    expect(events.filter((event) => event.user_id !== null)).toHaveLength(2);
    expect(await trail('outbox')).toHaveLength(2);
  });

  it('that is not there are refused', async () => {
    const unknown = { ...ofAcme, connectionId: toConnectionId('nobody') };
    expect(await run(scene, unknown, OPERATOR, 1)).toMatchObject({ code: 'no_such_connection' });
  });

  it('do not come back by a sign-in that was begun before', async () => {
    await run(scene, ofAcme, OPERATOR, 10);
    const late = { ...signInAs('ada', 12), begunAt: at(9) };
    expect(await run(scene, late, assertion(), 12)).toMatchObject({ code: 'signed_out_since' });
    // Nobody is made by a sign-in that was refused.
    expect((await scene.pool.query('select 1 from users')).rows).toEqual([]);
    expect(await run(scene, signInAs('ada', 12), assertion(), 12)).toMatchObject({
      kind: 'applied',
    });
  });

  it('are dead though the sign-in had not committed when they were ended', async () => {
    const change = signInAs('ada', 9);
    const made = begin(change, assertion(), 9);
    await made.made;
    expect(await run(scene, ofAcme, OPERATOR, 10)).toMatchObject({ sessions: 0 });
    expect(await made.commit()).toMatchObject({ kind: 'applied' });
    expect(await stateOf(change.session.id, 11)).toBe('epoch_passed');
  });

  it('end by the thousand in one transaction', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await scene.pool.query(
      `insert into users (id, connection_id, subject, owner, state, state_changed_at, created_at)
       select gen_random_uuid(), 'acme', 's' || n, 'roll', 'active', now(), now() from generate_series(1, 2500) n`,
    );
    await scene.pool.query(
      `insert into sessions (id, user_id, connection_id, user_epoch, connection_epoch, name_id, created_at, last_seen_at, expires_at)
       select gen_random_uuid(), id, 'acme', 1, 1, subject, now(), now(), now() from users where id <> $1`,
      [user.id],
    );
    expect(await run(scene, ofAcme, OPERATOR, 10)).toMatchObject({ sessions: 2501, users: 2501 });
    expect(await trail('outbox')).toHaveLength(2501);
  });

  it('end in every order: sign-ins and a revocation at once leave nobody in', async () => {
    for (let round = 0; round < 10; round++) {
      const start = 100 * (round + 1);
      const changes = ['ada', 'bob', 'cyd'].map((name) => signInAs(name, start));
      await Promise.all([
        ...changes.map((change) => run(scene, change, assertion(), start)),
        run(scene, ofAcme, OPERATOR, start),
      ]);
      for (const change of changes) {
        expect(await stateOf(change.session.id, start + 1)).not.toBe('live');
      }
    }
  });
});

describe('sessions that the identity provider names', () => {
  it('end by their index, and the others stay', async () => {
    const one = await session('ada', 0, { index: 'one' });
    const two = await session('ada', 1, { index: 'two' });
    const three = await session('ada', 2, { index: 'three' });
    const change = logoutOf('ada', 10, { sessionIndexes: ['one', 'three', 'of another app'] });
    expect(await run(scene, change, IDP, 10)).toEqual({
      kind: 'sessions_ended',
      sessions: 2,
      users: 1,
    });
    expect(await stateOf(one, 11)).toBe('ended');
    expect(await stateOf(two, 11)).toBe('live');
    expect(await stateOf(three, 11)).toBe('ended');
    expect(await trail('audit_events')).toEqual([
      expect.objectContaining({
        actor: IDP,
        reason: 'signed_out_at_idp',
        evidence: expect.objectContaining({ requestId: change.requestId }),
      }),
    ]);
  });

  it('end, too, where their index was never told: one of them may be meant', async () => {
    const untold = await session('ada', 0);
    const other = await session('ada', 1, { index: 'two' });
    await run(scene, logoutOf('ada', 10, { sessionIndexes: ['one'] }), IDP, 10);
    expect(await stateOf(untold, 11)).toBe('ended');
    expect(await stateOf(other, 11)).toBe('live');
  });

  it('all end where no index is named (SAML Core §3.7.1)', async () => {
    const ids = [
      await session('ada', 0, { index: 'one' }),
      await session('ada', 1, { index: 'two' }),
      await session('ada', 2),
    ];
    await run(scene, logoutOf('ada', 10), IDP, 10);
    for (const id of ids) expect(await stateOf(id, 11)).toBe('ended');
  });

  it.each<[string, SignedNameId, SignedNameId, boolean]>([
    ['the same', nameOf('Ada'), nameOf('Ada'), true],
    ['another case', nameOf('Ada'), nameOf('ada'), false],
    ['a blank more', nameOf('Ada'), nameOf('Ada '), false],
    ['another normal form', nameOf('\u00e9'), nameOf('e\u0301'), false],
    ['a format left out', nameOf('Ada', { format: PERSISTENT }), nameOf('Ada'), true],
    [
      'an unspecified format',
      nameOf('Ada', { format: UNSPECIFIED }),
      nameOf('Ada', { format: PERSISTENT }),
      true,
    ],
    [
      'another format',
      nameOf('Ada', { format: PERSISTENT }),
      nameOf('Ada', { format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' }),
      false,
    ],
    ['the format that none means', nameOf('Ada', { format: UNSPECIFIED }), nameOf('Ada'), true],
    [
      'another qualifier',
      nameOf('Ada', { nameQualifier: 'one' }),
      nameOf('Ada', { nameQualifier: 'two' }),
      false,
    ],
    ['a qualifier left out', nameOf('Ada', { nameQualifier: 'one' }), nameOf('Ada'), true],
    [
      'another qualifier of ours',
      nameOf('Ada', { spNameQualifier: 'one' }),
      nameOf('Ada', { spNameQualifier: 'two' }),
      false,
    ],
  ])('by the exact NameID: %s', async (_what, signed, named, same) => {
    const before = await session('p1', 0, { nameId: signed });
    await run(scene, logoutOf('', 10, { nameId: named }), IDP, 10);
    expect(await stateOf(before, 11)).toBe(same ? 'ended' : 'live');
    // And for an assertion from before that comes only now.
    const late = signInAs('p1', 9, { nameId: signed });
    expect((await run(scene, late, assertion(), 12)).kind).toBe(same ? 'refused' : 'applied');
  });

  it('are those of the connection alone', async () => {
    const mine = await session('ada', 0);
    await run(scene, logoutOf('ada', 10, { connectionId: OTHER }), IDP, 10);
    expect(await stateOf(mine, 11)).toBe('live');
  });

  it.each([
    ['the same index, from before', 'one', 9, 'refused'],
    ['the same index, of the same moment', 'one', 10, 'refused'],
    ['the same index, from after', 'one', 11, 'applied'],
    ['another index', 'two', 9, 'applied'],
    ['no index', null, 9, 'refused'],
  ])('an assertion that its logout overtook: %s', async (_what, index, issued, kind) => {
    await run(scene, logoutOf('ada', 10, { sessionIndexes: ['one'] }), IDP, 10);
    const late = { ...signInAs('ada', issued, { index }), begunAt: at(0) };
    const outcome = await run(scene, late, assertion(), 12);
    expect(outcome.kind).toBe(kind);
    if (kind === 'refused') expect(outcome).toMatchObject({ code: 'signed_out_since' });
    expect((await trail('audit_events'))[0]).toMatchObject({ user_id: null });
  });

  it.each([null, 'one'])(
    'a logout of all overtakes an assertion with the index %s',
    async (index) => {
      await run(scene, logoutOf('ada', 10), IDP, 10);
      const late = signInAs('ada', 9, { index });
      expect(await run(scene, late, assertion(), 12)).toMatchObject({ code: 'signed_out_since' });
    },
  );

  it('wait for a sign-in that has not committed, and end it', async () => {
    const change = signInAs('ada', 9, { index: 'one' });
    const made = begin(change, assertion(), 9);
    await made.made;
    const ended = begin(logoutOf('ada', 10, { sessionIndexes: ['one'] }), IDP, 10);
    await untilWaiting(1);
    await made.commit();
    expect(await ended.commit()).toMatchObject({ sessions: 1 });
    expect(await stateOf(change.session.id, 11)).toBe('ended');
  });

  it('keep a sign-in waiting until the logout has committed, and then out', async () => {
    const ended = begin(logoutOf('ada', 10), IDP, 10);
    await ended.made;
    const made = begin(signInAs('ada', 9), assertion(), 10);
    await untilWaiting(1);
    await ended.commit();
    expect(await made.commit()).toMatchObject({ code: 'signed_out_since' });
  });

  it('end in every order: a sign-in and its logout at once leave nobody in', async () => {
    for (let round = 0; round < 20; round++) {
      const change = signInAs('ada', 100 * round + 9, { index: 'one' });
      await Promise.all([
        run(scene, change, assertion(), 100 * round + 9),
        run(
          scene,
          logoutOf('ada', 100 * round + 10, { sessionIndexes: ['one'] }),
          IDP,
          100 * round + 10,
        ),
      ]);
      expect(await stateOf(change.session.id, 100 * round + 11)).not.toBe('live');
    }
  });

  it('end once when the same request comes twice at once', async () => {
    const id = await session('ada', 0);
    const change = logoutOf('ada', 10);
    await Promise.all([run(scene, change, IDP, 10), run(scene, change, IDP, 10)]);
    expect(await stateOf(id, 11)).toBe('ended');
    expect(await trail('outbox')).toHaveLength(1);
  });

  it('are found by an index, however many there are', async () => {
    const { rows } = await scene.pool
      .query(
        `set enable_seqscan = off; explain update sessions set ended_at = now()
        where connection_id = 'acme' and ended_at is null and name_id = 'ada'`,
      )
      .then((answers) => (Array.isArray(answers) ? answers[1] : answers));
    expect(JSON.stringify(rows)).toContain('sessions_by_name_id');
  });
});

describe('one session', () => {
  it('ends alone', async () => {
    const [one, two] = [await session('ada', 0), await session('ada', 1)];
    const change = {
      kind: 'end_session' as const,
      sessionId: toSessionId(one),
      reason: 'by_admin',
    };
    expect(await run(scene, change, OPERATOR, 10)).toMatchObject({ kind: 'session_ended' });
    expect(await stateOf(one, 11)).toBe('ended');
    expect(await stateOf(two, 11)).toBe('live');
  });
});
