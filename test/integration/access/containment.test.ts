import { readSession } from '@rollcall/shared/db/sessions';
import { addRefusals } from '@rollcall/shared/db/sign-in-refusals';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ACME,
  admit as admitAlone,
  assertion,
  at,
  countAudit,
  noteSignIn,
  OPERATOR,
  openScene,
  run,
  type Scene,
  SWEEP,
  signInOf,
  step,
} from './people.ts';

const HOUR = 3_600_000;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());
beforeEach(async () => {
  await scene.pool.query(
    `delete from outbox; delete from sessions; delete from grants; delete from users;
     delete from sign_in_refusals; delete from connection_sign_ins`,
  );
});

const admit: typeof admitAlone = async (place, name, roles, seconds, more) => {
  const admitted = await admitAlone(place, name, roles, seconds, more);
  await noteSignIn(scene, seconds);
  return admitted;
};

async function whyDead(session: { readonly id: string }, seconds: number): Promise<string> {
  const reading = await readSession(
    scene.db,
    session.id as never,
    { idleMs: HOUR, used: true },
    at(seconds),
  );
  return reading.kind === 'live' ? 'live' : reading.why;
}

async function refuse(code: string, count: number, seconds: number): Promise<void> {
  const notes = Array.from({ length: count }, (_, index) => ({
    at: at(seconds + index),
    reference: `R-${index}`,
    expected: null,
    received: null,
  }));
  const head = { connectionId: ACME, code, day: '2026-01-01', count };
  const times = { firstAt: at(seconds), lastAt: at(seconds + count - 1) };
  await addRefusals(scene.db, [{ ...head, ...times, recent: notes.reverse() }]);
}

describe('a containment', () => {
  it('keeps roles and sessions, asks each session for a sign-in, and one is enough for all', async () => {
    const laptop = await admit(scene, 'ada', ['analyst'], 0);
    const phone = await admit(scene, 'ada', ['analyst'], 1);
    const { id } = laptop.user;
    const contained = await run(scene, step('contain', id, { reason: 'held' }), SWEEP, 10);
    expect(contained).toMatchObject({
      kind: 'applied',
      roles: ['analyst'],
      sessionsEnded: 0,
      user: { state: 'contained', cause: null },
    });
    expect(await whyDead(laptop.session, 11)).toBe('fresh_sign_in_needed');
    expect(await whyDead(phone.session, 11)).toBe('fresh_sign_in_needed');

    const fresh = await admit(scene, 'ada', ['analyst'], 20);
    expect(fresh.user.state).toBe('active');
    for (const { session } of [fresh, laptop, phone]) {
      expect(await whyDead(session, 21)).toBe('live');
    }
    expect(await countAudit(scene, id)).toMatchObject({
      'user.contained': 1,
      'user.released': 1,
    });
  });

  it('is ended by a sign-in that was begun after it, though the clock of its provider is behind', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await run(scene, step('contain', user.id, { reason: 'held' }), SWEEP, 10);
    const late = { issuedAt: at(8), begunAt: at(12), clockSkewMs: 60_000 };
    expect((await admit(scene, 'ada', ['analyst'], 13, late)).user.state).toBe('active');
  });

  it.each([
    ['was begun before it', { begunAt: at(9), issuedAt: at(11) }],
    ['came unasked, and may be older', { begunAt: null, issuedAt: at(11), clockSkewMs: 60_000 }],
  ])('is not ended by a sign-in that %s', async (_, more) => {
    const { user, session } = await admit(scene, 'ada', ['analyst'], 0);
    await run(scene, step('contain', user.id, { reason: 'held' }), SWEEP, 10);
    const change = signInOf('ada', ['analyst'], 12, more);
    expect(await run(scene, change, assertion(), 12)).toMatchObject({ code: 'assertion_too_old' });
    expect(await whyDead(session, 13)).toBe('fresh_sign_in_needed');
  });

  it('is ended by what the directory has said since, and by an administrator', async () => {
    const { user, session } = await admit(scene, 'ada', ['analyst'], 0);
    const contain = step('contain', user.id, { reason: 'held' });
    const release = (seconds: number | null) =>
      step('release', user.id, {
        reason: 'suspicion_cleared',
        observedAt: seconds === null ? null : at(seconds),
      });
    await run(scene, contain, SWEEP, 10);
    expect(await run(scene, release(9), SWEEP, 11)).toMatchObject({ why: 'newer_state' });
    expect(await run(scene, release(11), SWEEP, 12)).toMatchObject({
      user: { state: 'active', lastConfirmedAt: at(12) },
    });
    expect(await whyDead(session, 13)).toBe('live');
    await run(scene, contain, SWEEP, 14);
    expect(await run(scene, release(null), OPERATOR, 15)).toMatchObject({
      user: { state: 'active', lastConfirmedAt: at(12) },
    });
  });

  it('never follows a deactivation, whoever made it, nor ends one', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    for (const actor of [SWEEP, OPERATOR]) {
      await run(scene, step('deactivate', user.id), actor, 10);
      for (const kind of ['contain', 'release'] as const) {
        expect(await run(scene, step(kind, user.id), SWEEP, 11)).toMatchObject({
          kind: 'refused',
          code: 'illegal_step',
        });
      }
    }
  });
});

describe('nobody is contained', () => {
  it('who is protected or owned by another, or has signed in since', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 10);
    const contain = step('contain', user.id, { observedAt: at(9) });
    expect(await run(scene, contain, SWEEP, 11)).toMatchObject({ why: 'signed_in_since' });
    await scene.pool.query("update users set owner = 'scim'");
    expect(await run(scene, contain, SWEEP, 11)).toMatchObject({ code: 'not_owned' });
    await scene.pool.query("update users set owner = 'roll', protected_by_admin = true");
    expect(await run(scene, contain, SWEEP, 11)).toMatchObject({ code: 'protected' });
  });

  it('who alone would be left to use a privileged role without a fresh sign-in', async () => {
    const [one, two] = [
      await admit(scene, 'one', ['admin'], 0),
      await admit(scene, 'two', ['admin'], 0),
    ];
    // Both at once: one of them waits for the other, and stays.
    const outcomes = await Promise.all(
      [one, two].map(({ user }) => run(scene, step('contain', user.id), SWEEP, 10)),
    );
    expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['applied', 'refused']);
    expect(outcomes).toContainEqual(expect.objectContaining({ code: 'last_admin' }));
    // Whoever is contained still is a holder: the role is not lost.
    const { rows } = await scene.pool.query('select count(*)::int as n from grants');
    expect(rows).toEqual([{ n: 2 }]);
  });

  it.each([
    ['has signed in for a day', async () => undefined, 86_401],
    ['was let in while others were refused', () => refuse('saml.signature_invalid', 3, 5), 10],
    ['was let in since the metadata has gone', metadataGone, 10],
  ])('by the sweep while nobody %s', async (_, happen, seconds) => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await happen();
    expect(await run(scene, step('contain', user.id), SWEEP, seconds)).toMatchObject({
      kind: 'refused',
      code: 'sign_in_doubtful',
      user: { state: 'active' },
    });
    // A person knows what they do.
    expect(await run(scene, step('contain', user.id), OPERATOR, seconds)).toMatchObject({
      kind: 'applied',
    });
    await scene.pool.query('delete from identity_providers');
  });

  it('put off for long by refusals of one person, or by any that a sign-in has followed', async () => {
    const { user } = await admit(scene, 'ada', ['analyst'], 0);
    await refuse('access.deactivated', 9, 5);
    await refuse('saml.replayed', 9, 5);
    await refuse('saml.signature_invalid', 9, 5);
    await admit(scene, 'bob', ['analyst'], 30);
    expect(await run(scene, step('contain', user.id), SWEEP, 31)).toMatchObject({
      kind: 'applied',
    });
  });
});

async function metadataGone(): Promise<void> {
  await scene.pool.query(
    `insert into identity_providers (connection_id, source, address, due_at, fetched_at, failures, failed_at)
     values ('acme', 's', 'https://idp.example', $1, $1, 2, $1)`,
    [new Date(at(1))],
  );
}
