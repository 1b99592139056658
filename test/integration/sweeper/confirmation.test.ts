import { confirmPresence } from '@rollcall/shared/access/confirm';
import { toConnectionId, toSubject } from '@rollcall/shared/core/ids';
import type { Presence } from '@rollcall/shared/core/presence';
import { inTransaction } from '@rollcall/shared/db/database';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { takeLease } from '@rollcall/sweeper/sweep/lease';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACME, admit, at, known, OPERATOR, run, step } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

const HOUR = 60;
const DAY = 24 * HOUR;
const CROWD = names('p', 20);

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.drop());

interface Seen {
  readonly confirmed: number | null;
  readonly seen: number;
  readonly where: string;
  readonly line: number;
  readonly version: number;
}

/** What is written of somebody, in minutes after the beginning. */
async function seenOf(name: string): Promise<Seen> {
  const { rows } = await house.pool.query(
    `select u.last_confirmed_at, u.version, g.last_seen_at, g.seen_in, g.because->0->>'line' as line
       from users u join grants g on g.user_id = u.id and g.channel = 'roll' where u.subject = $1`,
    [name],
  );
  const minute = (date: Date | null) => (date === null ? null : (date.getTime() - at(0)) / 60_000);
  const [row] = rows;
  return {
    confirmed: minute(row.last_confirmed_at),
    seen: minute(row.last_seen_at) ?? Number.NaN,
    where: row.seen_in,
    line: Number(row.line),
    version: row.version,
  };
}

/** Which version of each row is there: another one where it was written, whatever was in it. */
async function rowsWritten(): Promise<unknown> {
  const users = 'select id, xmin::text from users order by id';
  const grants = 'select user_id, role, xmin::text from grants order by user_id, role';
  return [(await house.pool.query(users)).rows, (await house.pool.query(grants)).rows];
}

describe('a complete snapshot', () => {
  it('confirms who is present, and which of their roles it still shows', async () => {
    await house.hire(CROWD);
    house.directory.set('p001', { groups: null });
    const rules = house.sweepOf().policy.roles.rules.map((one) => ({
      ...one,
      source: { file: 'rollcall.yaml', line: 9 },
    }));
    const { policy } = house.sweepOf();
    await house.sweep(1, { policy: { ...policy, roles: { ...policy.roles, rules } } });
    const before = { confirmed: 1, version: 2 };
    expect(await seenOf('p000')).toEqual({ ...before, seen: 1, where: 'directory', line: 9 });
    expect(await seenOf('p001')).toEqual({ ...before, seen: 0, where: 'assertion', line: 1 });
    expect(await house.auditOf('p000')).toEqual(['user.created', 'user.signed_in']);
    const outbox = "select 1 from outbox where kind <> 'user.created'";
    expect((await house.pool.query(outbox)).rows).toEqual([]);
  });

  it('does so in every mode, and where it only plans', async () => {
    await house.hire(['ann']);
    await house.sweep(1, { mode: 'observe' });
    expect((await seenOf('ann')).confirmed).toBe(1);
    await house.sweep(1 + DAY, {}, { planOnly: true });
    expect((await seenOf('ann')).confirmed).toBe(1 + DAY);
  });

  it('does so once a day for each, not for all in one sweep, and writes nothing between', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    const written = await rowsWritten();
    await house.sweep(10);
    await house.sweep(HOUR);
    expect(await rowsWritten()).toEqual(written);
    const times = new Map(CROWD.map((name) => [name, [1]]));
    for (let minute = 3 * HOUR; minute <= 3 * DAY; minute += 3 * HOUR) {
      await house.sweep(minute);
      for (const name of CROWD) {
        const { confirmed, seen } = await seenOf(name);
        expect(seen).toBe(confirmed);
        if (confirmed === minute) times.get(name)?.push(minute);
      }
    }
    for (const all of times.values()) {
      expect([3, 4]).toContain(all.length);
      const gaps = all.slice(1).map((minute, index) => minute - (all[index] ?? 0));
      expect(Math.min(...gaps.slice(1))).toBeGreaterThanOrEqual(DAY - 3 * HOUR);
      expect(Math.max(...gaps)).toBeLessThanOrEqual(DAY + 3 * HOUR);
    }
    expect(new Set([...times.values()].map((all) => all[1])).size).toBeGreaterThan(1);
  });
});

describe('nothing is confirmed', () => {
  it.each([
    ['short', { half: true }],
    ['empty', { empty: true }],
    ['broken off', { failAfterPages: { pages: 3, fault: 'request_failed' as const } }],
  ])('by a listing that is %s', async (_, faults) => {
    await house.hire(CROWD);
    await house.sweep(1);
    const written = await rowsWritten();
    house.directory.faults = faults;
    expect(await house.sweep(2 * DAY)).toMatchObject({ state: 'incomplete' });
    expect(await rowsWritten()).toEqual(written);
  });

  it('of whoever is missing, disabled, shut out, or owned by SCIM, and of a manual grant', async () => {
    await house.hire([...CROWD, 'gone', 'off', 'out', 'theirs']);
    await house.pool.query("update users set owner = 'scim' where subject = 'theirs'");
    await house.pool.query(
      `insert into grants select id, 'editor', 'acme', 'manual', 'manual', false, '[]', now(), $1
         from users where subject = 'p000'`,
      [new Date(at(0))],
    );
    await run(house, step('deactivate', await house.idOf('out')), OPERATOR, 1);
    house.directory.dismiss('gone');
    house.directory.set('off', { standing: 'disabled' });
    house.directory.set('p000', { groups: ['analysts', 'editors'] });
    await house.sweep(1);
    for (const name of ['gone', 'off', 'out', 'theirs']) {
      expect(await seenOf(name)).toMatchObject({ confirmed: null, seen: 0, where: 'assertion' });
    }
    const manual = "select seen_in, last_seen_at from grants where channel = 'manual'";
    expect((await house.pool.query(manual)).rows).toEqual([
      { seen_in: 'manual', last_seen_at: new Date(at(0)) },
    ]);
  });

  it('backwards: a sign-in after the listing had begun stays the last that was seen', async () => {
    await house.hire(['ann', 'bob'], ['analysts'], 0);
    house.directory.onPage = async (page) => {
      if (page === 0) await admit(house, 'ann', ['analyst'], 5 * 60 + 1);
    };
    await house.sweep(5);
    const ann = await seenOf('ann');
    expect(ann).toMatchObject({ confirmed: 5, where: 'assertion' });
    expect(ann.seen).toBeGreaterThan(5);
    expect(await seenOf('bob')).toMatchObject({ confirmed: 5, seen: 5, where: 'directory' });
  });
});

describe('what has happened since the part was read', () => {
  async function presenceOf(name: string): Promise<Presence> {
    const userId = await house.idOf(name);
    const { version } = await seenOf(name);
    return { userId, version, grants: [{ role: 'analyst', because: known('analyst').because }] };
  }

  it('is not overwritten, nor waited for', async () => {
    await house.hire(['ann', 'bob', 'cy', 'dan']);
    const part: Presence[] = [];
    for (const name of ['ann', 'bob', 'cy', 'dan']) part.push(await presenceOf(name));
    await admit(house, 'ann', ['analyst'], 300);
    await house.pool.query("update users set last_confirmed_at = $1 where subject = 'bob'", [
      new Date(at(900)),
    ]);
    const confirm = (id: string) =>
      inTransaction(house.db, (tx) => {
        const connectionId = toConnectionId(id);
        return confirmPresence(tx, { connectionId, seenAt: at(600) }, part);
      });
    expect(await confirm('globex')).toBe(0);
    await inTransaction(house.db, async (tx) => {
      const cy = tx.selectFrom('users').select('id').where('subject', '=', toSubject('cy'));
      await cy.forUpdate().execute();
      expect(await confirm('acme')).toBe(1);
    });
    expect(await seenOf('ann')).toMatchObject({ confirmed: null, seen: 5, where: 'assertion' });
    expect(await seenOf('bob')).toMatchObject({ confirmed: 15, seen: 0 });
    expect(await seenOf('cy')).toMatchObject({ confirmed: null, seen: 0 });
    expect(await seenOf('dan')).toMatchObject({ confirmed: 10, seen: 10, where: 'directory' });
  });

  it('is not overwritten by a worker that was paused', async () => {
    await house.hire(['ann']);
    const part = [await presenceOf('ann')];
    const paused = await takeLease(house.db, ACME, 'paused');
    await house.pool.query("update sweep_leases set expires_at = now() - interval '1 second'");
    await house.sweep(1);
    const written = await rowsWritten();
    const seen = { connectionId: ACME, seenAt: house.sweepTime(2 * DAY) };
    await expect(paused?.write((tx) => confirmPresence(tx, seen, part))).rejects.toMatchObject({
      code: 'sweep.lease_lost',
    });
    expect(await rowsWritten()).toEqual(written);
    await paused?.release();
  });

  it('stays when an older plan is taken back', async () => {
    await house.hire(CROWD);
    await house.sweep(1);
    house.directory.set('p003', { standing: 'disabled' });
    await house.sweep(20);
    house.directory.set('p003', { standing: 'present' });
    const { runId } = await house.sweep(30);
    expect((await seenOf('p003')).confirmed).toBe(30);
    await house.sweep(30 + DAY);
    const { db } = house;
    const clock = () => house.sweepTime(31 + DAY);
    const who = { operator: 'oda', reason: 'a backup', privilegedRoles: new Set<string>() };
    expect(await undoPlan({ db, plan: runId, clock, ...who })).toMatchObject({ undone: 1 });
    expect(await house.stateOf('p003')).toBe('deactivated');
    expect((await seenOf('p003')).confirmed).toBe(30 + DAY);
  });
});
