import type { AccessChange, AccessOutcome } from '@rollcall/shared/access/change';
import { applyToPerson } from '@rollcall/shared/access/person-state';
import { type UndoRecord, undoRecordOf } from '@rollcall/shared/access/undo-record';
import type { Actor } from '@rollcall/shared/core/actor';
import { toConnectionId, type UserId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { inTransaction } from '@rollcall/shared/db/database';
import { registerTarget } from '@rollcall/shared/outbox/targets';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  at,
  OPERATOR,
  openScene,
  rolesSeen,
  run,
  type Scene,
  START,
  SWEEP,
  signInOf,
  step,
} from '../access/people.ts';

vi.setConfig({ testTimeout: 120_000 });

/** Everybody does everything to the same few people at once. */
let scene: Scene;
const GLOBEX = toConnectionId('globex');
beforeEach(async () => {
  scene = await openScene();
  await registerConnection(scene.db, GLOBEX, 'https://idp.globex.example', START);
  await registerTarget(scene.db, 'crm');
});
afterEach(() => scene.drop());

/** The same at every run (mulberry32). */
function randomness(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ['ann', 'bob', 'cyd', 'dan'];
const UNDO: Actor = { kind: 'undo', runId: 'r', name: 'oda' };

it.each([103, 116])(
  'seed %d: no deadlock gets out, an admin stays, nobody who is out is in, and the trail says so',
  async (seed) => {
    const random = randomness(seed);
    const ids: UserId[] = [];
    for (const connectionId of [ACME, GLOBEX]) {
      for (const name of NAMES) {
        ids.push((await admit(scene, name, ['admin', 'analyst'], 0, { connectionId })).user.id);
      }
    }
    const records: { userId: UserId; record: UndoRecord }[] = [];
    let second = 10;
    const one = (): UserId => ids[random(ids.length)] as UserId;
    const person = (kind: 'deactivate' | 'restore' | 'protect' | 'unprotect', seconds: number) => {
      const change =
        kind === 'protect' || kind === 'unprotect'
          ? { kind, userId: one(), evidence: {} }
          : { ...step(kind, one()), kind, privilegedRoles: new Set(['admin']) };
      return inTransaction(scene.db, (tx) => applyToPerson(tx, change, OPERATOR, at(seconds)));
    };
    const remember = (outcome: AccessOutcome, changesRoles: boolean): void => {
      if (outcome.kind !== 'applied' || outcome.before === undefined) return;
      records.push({
        userId: outcome.user.id,
        record: undoRecordOf(outcome.before, outcome.user.version, changesRoles),
      });
    };
    const act = async (): Promise<void> => {
      const seconds = second++;
      const sweep = async (change: AccessChange) =>
        remember(await run(scene, change, SWEEP, seconds), change.kind === 'change_roles');
      switch (random(13)) {
        case 0:
        case 1:
        case 2: {
          const roles = [['admin', 'analyst'], ['analyst'], ['admin'], []][random(4)] as string[];
          const more = {
            connectionId: [ACME, GLOBEX][random(2)] as typeof ACME,
            privilegedRoles: new Set(['admin']),
          };
          await run(
            scene,
            signInOf(NAMES[random(4)] as string, roles, seconds, more),
            assertion(),
            seconds,
          );
          return;
        }
        case 3:
          return void (await person('deactivate', seconds));
        case 4:
          return void (await person('restore', seconds));
        case 5:
          return sweep({
            ...step('deactivate', one()),
            observedAt: at(seconds),
            privilegedRoles: new Set(['admin']),
          });
        case 6:
          return sweep({ ...step('restore', one()), observedAt: at(seconds) });
        case 7:
          return sweep({
            ...rolesSeen(one(), random(2) === 0 ? ['analyst'] : ['editor'], seconds),
          });
        case 8:
          return void (await run(
            scene,
            { kind: 'join', userId: one(), withUserId: one(), evidence: {} },
            OPERATOR,
            seconds,
          ));
        case 9:
          return void (await run(
            scene,
            { kind: 'separate', userId: one(), evidence: {} },
            OPERATOR,
            seconds,
          ));
        case 10: {
          const undo = records.splice(random(records.length + 1), 1)[0];
          if (undo === undefined) return;
          await run(
            scene,
            {
              kind: 'undo',
              ...undo,
              privilegedRoles: new Set(['admin']),
              reason: 'wrong',
              evidence: {},
            },
            UNDO,
            seconds,
          );
          return;
        }
        case 11:
          return void (await run(
            scene,
            random(4) === 0
              ? {
                  kind: 'end_sessions_of_connection',
                  connectionId: ACME,
                  reason: 'x',
                  evidence: {},
                }
              : { kind: 'end_sessions_of_user', userId: one(), reason: 'x', evidence: {} },
            OPERATOR,
            seconds,
          ));
        default:
          return void (await person(random(2) === 0 ? 'protect' : 'unprotect', seconds));
      }
    };
    for (let round = 0; round < 25; round++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 9 }, act));
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
      const { rows } = await scene.pool.query(`
      select (select count(*)::int from grants join users on users.id = user_id
               where role = 'admin' and state in ('active', 'suspected', 'contained')) as admins,
             (select count(*)::int from sessions s join users u on u.id = s.user_id
               where s.ended_at is null and u.cause is not null) as ghosts,
             (select count(*)::int from outbox) - (select count(*)::int from outbox_deliveries) as lost`);
      expect(rows[0]).toMatchObject({ ghosts: 0, lost: 0 });
      expect(rows[0].admins).toBeGreaterThan(0);
      const trail = await scene.pool.query(`
      select u.subject, u.connection_id, u.state, a.after ->> 'state' as told, a.kind, a.after -> 'roles' as roles_told,
             (select coalesce(jsonb_agg(distinct role order by role), '[]') from grants where user_id = u.id) as roles
        from users u cross join lateral (select * from audit_events where user_id = u.id and after is not null
             order by id desc limit 1) a
       where a.after ->> 'state' <> u.state
          or a.after -> 'roles' <> (select coalesce(jsonb_agg(distinct role order by role), '[]') from grants where user_id = u.id)`);
      expect(trail.rows).toEqual([]);
    }
  },
);
