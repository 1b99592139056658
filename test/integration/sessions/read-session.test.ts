import { randomUUID } from 'node:crypto';
import { toSessionId } from '@rollcall/shared/core/ids';
import { toEpochMs } from '@rollcall/shared/core/time';
import { readSession } from '@rollcall/shared/db/sessions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  admit,
  assertion,
  at,
  OPERATOR,
  openScene,
  run,
  type Scene,
  START,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

/** Somebody who has signed in at the beginning; the session lasts 8 hours. */
async function person() {
  const { user, session } = await admit(scene, `u-${randomUUID()}`, ['analyst'], 0);
  return { user, id: session.id };
}

/** What the session comes to, so many milliseconds after the sign-in. */
async function read(id: string, ms: number, idleMs = HOUR) {
  const reading = await readSession(
    scene.db,
    toSessionId(id),
    { idleMs, used: true },
    toEpochMs(START + ms),
  );
  return reading.kind === 'live' ? 'live' : reading.why;
}

async function lastSeen(id: string): Promise<number> {
  const answer = await scene.pool.query('select last_seen_at from sessions where id = $1', [id]);
  return answer.rows[0].last_seen_at.getTime() - START;
}

describe('the idle limit', () => {
  it.each([
    [HOUR - 1, 'live'],
    [HOUR, 'idle'],
    [HOUR + 1, 'idle'],
  ])('after %d ms of rest: %s', async (ms, expected) => {
    expect(await read((await person()).id, ms)).toBe(expected);
  });

  it.each([1_000, 30_000, 60_000, 90_000, HOUR])(
    'of %d ms does not end a session that is used often enough',
    async (idleMs) => {
      const { id } = await person();
      const pause = Math.floor(idleMs * 0.45);
      for (let i = 1; i <= 6; i++) expect(await read(id, i * pause, idleMs)).toBe('live');
      // Of the rest that is allowed, at most a tenth is lost to writing use down seldom.
      const last = 6 * pause;
      expect(await read(id, last + Math.floor(idleMs * 0.89), idleMs)).toBe('live');
    },
  );

  it('ends whoever has rested for longer, for good', async () => {
    const { id } = await person();
    expect(await read(id, 60_000, 30_000)).toBe('idle');
    expect(await read(id, 60_001, 30_000)).toBe('idle');
  });

  it('is not written down at every request', async () => {
    const { id } = await person();
    await read(id, 59_999);
    expect(await lastSeen(id)).toBe(0);
    await read(id, 60_000);
    expect(await lastSeen(id)).toBe(60_000);
  });
});

describe('the end of a session', () => {
  it.each([
    [8 * HOUR - 1, 'live'],
    [8 * HOUR, 'expired'],
    [9 * HOUR, 'expired'],
  ])('is fixed: after %d ms it is %s', async (ms, expected) => {
    expect(await read((await person()).id, ms, 24 * HOUR)).toBe(expected);
  });

  it('does not move, however often the session is used', async () => {
    const { id } = await person();
    for (let hour = 0; hour < 8; hour++) expect(await read(id, hour * HOUR, 2 * HOUR)).toBe('live');
    expect(await read(id, 8 * HOUR, 2 * HOUR)).toBe('expired');
  });
});

describe('a clock that goes back', () => {
  it('ends no session and takes back no use', async () => {
    const { id } = await person();
    await read(id, 10 * 60_000);
    expect(await read(id, 60_000)).toBe('live');
    expect(await read(id, -60_000)).toBe('live');
    expect(await lastSeen(id)).toBe(10 * 60_000);
  });

  it('brings back nothing that has ended', async () => {
    const { id, user } = await person();
    await run(scene, step('deactivate', user.id), SWEEP, 100);
    expect(await read(id, 1)).toBe('deactivated');
    await run(scene, step('restore', user.id), SWEEP, 50);
    expect(await read(id, 1)).toBe('ended');
  });

  it('keeps the later use when two instances write at once', async () => {
    const { id } = await person();
    const uses = [130_000, 250_000, 190_000, 70_000];
    await Promise.all(uses.map((ms) => read(id, ms)));
    expect(await lastSeen(id)).toBe(250_000);
  });
});

describe('a session is over', () => {
  it('that never was', async () => {
    expect(await read(randomUUID(), 0)).toBe('unknown_session');
  });

  it('when it was ended, and a use that was on its way wakes nothing', async () => {
    const { id } = await person();
    const end = { kind: 'end_session' as const, sessionId: toSessionId(id), reason: 'signed_out' };
    await Promise.all([read(id, 120_000), run(scene, end, OPERATOR, 120), read(id, 120_001)]);
    expect(await read(id, 120_002)).toBe('ended');
    expect(await run(scene, end, OPERATOR, 130)).toEqual({ kind: 'unchanged', user: null });
  });

  it('when it was made for an earlier life: return gives no old session back', async () => {
    const { id, user } = await person();
    await run(scene, step('deactivate', user.id), SWEEP, 10);
    await run(scene, step('restore', user.id), SWEEP, 20);
    await scene.pool.query(
      'update sessions set ended_at = null, ended_reason = null where id = $1',
      [id],
    );
    expect(await read(id, 30_000)).toBe('epoch_passed');
    const again = await admit(scene, user.subject, ['analyst'], 40);
    expect(await read(again.session.id, 41_000)).toBe('live');
  });

  it.each(['deactivated', 'purge_eligible'])(
    'for whoever is %s, though nobody ended it',
    async (state) => {
      const { id, user } = await person();
      await scene.pool.query("update users set state = $2, cause = 'sweep' where id = $1", [
        user.id,
        state,
      ]);
      expect(await read(id, 1)).toBe('deactivated');
    },
  );

  it('when its connection has ended all of them', async () => {
    const { id } = await person();
    await scene.pool.query("update connections set epoch = epoch + 1 where id = 'acme'");
    expect(await read(id, 1)).toBe('epoch_passed');
    const fresh = await person();
    expect(await read(fresh.id, 1)).toBe('live');
  });

  it.each([
    [9, 'fresh_sign_in_needed'],
    [10, 'fresh_sign_in_needed'],
    [11, 'live'],
  ])('for whoever was contained at 10 s, when it began at %d s: %s', async (seconds, expected) => {
    const { user } = await person();
    await run(scene, step('suspect', user.id), SWEEP, 1);
    const made = await admit(scene, user.subject, ['analyst'], seconds, { issuedAt: at(0) });
    await scene.pool.query(
      "update users set state = 'contained', state_changed_at = $2 where id = $1",
      [user.id, new Date(at(10))],
    );
    expect(await read(made.session.id, 12_000)).toBe(expected);
  });
});

describe('a deactivation and a sign-in at once', () => {
  it('leave no live session, whichever comes first', async () => {
    for (let round = 0; round < 20; round++) {
      const { user } = await person();
      const change = signInOf(user.subject, ['analyst'], 10);
      await Promise.all([
        run(scene, step('deactivate', user.id), SWEEP, 10),
        run(scene, change, assertion(), 10),
      ]);
      expect(await read(change.session.id, 11_000)).not.toBe('live');
    }
  });
});
