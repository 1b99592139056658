import { randomUUID } from 'node:crypto';
import type { AccessOutcome } from '@rollcall/shared/access/change';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import type { UserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { expect } from 'vitest';
import {
  admit,
  assertion,
  at,
  OPERATOR,
  rolesSeen,
  run,
  type Scene,
  SWEEP,
  signInOf,
  step,
} from './people.ts';

const SEED = 20_261_125;
const PEOPLE = 5;

/** mulberry32: the same rounds in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * sides);
  };
}

interface Person {
  readonly id: UserId;
  readonly subject: string;
}

/** What may happen in a round. Each takes the role from somebody, or changes who counts as one. */
type Happening = (
  scene: Scene,
  one: Person,
  other: Person,
  second: number,
) => Promise<AccessOutcome | readonly { readonly outcome: AccessOutcome }[]>;

const AUTOMATIC: Readonly<Record<string, Happening>> = {
  'a sign-in that loses the group': (scene, { subject }, _, second) =>
    run(scene, signInOf(subject, ['analyst'], second), assertion(), second),
  'a sweep that changes roles': (scene, { id }, _, second) =>
    run(scene, rolesSeen(id, ['analyst'], second), SWEEP, second),
  'a sweep that deactivates': (scene, { id }, _, second) =>
    run(scene, step('deactivate', id), SWEEP, second),
};
const BY_HAND: Readonly<Record<string, Happening>> = {
  'an administrator who deactivates': (scene, { id }, _, second) => {
    const change = {
      ...step('deactivate', id, { reason: 'by_admin' }),
      kind: 'deactivate' as const,
    };
    return inTransaction(scene.db, (tx) => applyToPerson(tx, change, OPERATOR, at(second)));
  },
  'an administrator who joins': (scene, one, other, second) =>
    run(
      scene,
      { kind: 'join', userId: one.id, withUserId: other.id, evidence: {} },
      OPERATOR,
      second,
    ),
  'an administrator who separates': (scene, { id }, _, second) =>
    run(scene, { kind: 'separate', userId: id, evidence: {} }, OPERATOR, second),
  'an administrator who protects': (scene, { id }, _, second) =>
    run(scene, { kind: 'protect', userId: id, evidence: {} }, OPERATOR, second),
};
const ALL = { ...AUTOMATIC, ...BY_HAND };

async function holders(scene: Scene): Promise<number> {
  const { rows } = await scene.pool.query<{ n: number }>(
    `select count(distinct coalesce(person_id, id))::int as n
       from users join grants on user_id = id where role = 'admin' and state = 'active'`,
  );
  return rows[0]?.n ?? -1;
}

/** Everybody is active and alone again; the first few are admins. */
async function begin(
  scene: Scene,
  people: readonly Person[],
  admins: number,
  pair: boolean,
): Promise<void> {
  const ids = people.map(({ id }) => id);
  await scene.pool.query(
    `with back as (
       update users set state = 'active', cause = null, protected_by_admin = false,
              person_id = case when $3 and id = any(($1::uuid[])[1:2]) then ($1::uuid[])[1] end
     ), gone as (
       delete from grants where role = 'admin' and not user_id = any(($1::uuid[])[1:$2])
     )
     insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
     select id, 'admin', 'acme', 'roll', 'assertion', true, '[]', now(), now()
       from unnest(($1::uuid[])[1:$2]) as id
     on conflict do nothing`,
    [ids, admins, pair],
  );
}

/**
 * So many rounds of two to four transactions at once that take the role of an admin or
 * change who counts as one. Each must leave two where only automation was at work, one in
 * any case; and enough of them must have taken and refused something to show anything.
 */
export async function playRounds(scene: Scene, rounds: number): Promise<void> {
  const people: Person[] = [];
  for (let i = 0; i < PEOPLE; i++) {
    const { user } = await admit(scene, `admin-${randomUUID()}`, ['admin', 'analyst'], i);
    people.push({ id: user.id, subject: user.subject });
  }
  const roll = dice(SEED);
  const tally: Record<string, number> = {};
  const names = Object.keys(ALL);
  let least = PEOPLE;
  for (let round = 0; round < rounds; round++) {
    const pair = roll(4) === 0;
    await begin(scene, people, 3 + roll(2), pair);
    const before = await holders(scene);
    const second = 100 + round * 10;
    const chosen = Array.from({ length: 2 + roll(3) }, () => {
      // Mostly automation, so that both floors are met often.
      const from = roll(3) === 0 ? names : Object.keys(AUTOMATIC);
      const name = from[roll(from.length)] ?? '';
      const [one, other] = [people[roll(PEOPLE)]!, people[roll(PEOPLE)]!];
      return { name, one, other };
    });
    const outcomes = await Promise.all(
      chosen.map(({ name, one, other }, index) => ALL[name]!(scene, one, other, second + index)),
    );
    const after = await holders(scene);
    const byHand = chosen.some(({ name }) => name in BY_HAND);
    const floor = byHand ? 1 : Math.min(2, before);
    expect({ round, chosen: chosen.map(({ name }) => name), after }).toEqual({
      round,
      chosen: chosen.map(({ name }) => name),
      after: Math.max(after, floor),
    });
    least = Math.min(least, after);
    for (const outcome of outcomes.flat()) count(tally, outcome as AccessOutcome);
  }
  // Rounds in which nothing was taken, or nothing was refused, would show nothing.
  expect(least).toBe(1);
  expect(tally.applied).toBeGreaterThan(rounds);
  expect(tally['refused last_admin']).toBeGreaterThan(rounds / 20);
  expect(tally['kept admin']).toBeGreaterThan(rounds / 20);
}

function count(
  tally: Record<string, number>,
  told: AccessOutcome | { outcome: AccessOutcome },
): void {
  const outcome = 'outcome' in told ? told.outcome : told;
  const name = outcome.kind === 'refused' ? `refused ${outcome.code}` : outcome.kind;
  const kept = outcome.kind === 'applied' && outcome.kept.includes('admin') ? ['kept admin'] : [];
  for (const key of [name, ...kept]) tally[key] = (tally[key] ?? 0) + 1;
}
