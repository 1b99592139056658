import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import type {
  AccessOutcome,
  RolesChange,
  SignIn,
  StateChange,
} from '@rollcall/shared/access/change';
import type { Actor } from '@rollcall/shared/core/actor';
import {
  toConnectionId,
  toDirectoryId,
  toSessionId,
  toSubject,
  toUserId,
  type UserId,
} from '@rollcall/shared/core/ids';
import type { RoleMapping } from '@rollcall/shared/core/roles';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { addSignIns } from '@rollcall/shared/db/connection-sign-ins';
import { registerConnection } from '@rollcall/shared/db/connections';
import { type Database, inTransaction, overPool } from '@rollcall/shared/db/database';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';

export const ACME = toConnectionId('acme');
export const START = toEpochMs(Date.UTC(2026, 0, 1));
export const SWEEP: Actor = { kind: 'sweep', runId: randomUUID(), digest: 'd' };
export const OPERATOR: Actor = { kind: 'operator', name: 'oda' };

export function at(seconds: number): EpochMs {
  return toEpochMs(START + seconds * 1000);
}

export interface Scene extends FreshDatabase {
  readonly db: Database;
}

export async function openScene(): Promise<Scene> {
  const fresh = await freshDatabase();
  const db = overPool(fresh.pool);
  await registerConnection(db, ACME, 'https://idp.example', START);
  return { ...fresh, db };
}

export function known(...roles: string[]): Extract<RoleMapping, { kind: 'known' }> {
  const because = roles.map((role) => ({
    role,
    rule: { file: 'rollcall.yaml', line: 1 },
    groups: [`${role}s`],
    aliases: [],
    attributes: [],
    values: [],
  }));
  return { kind: 'known', roles, because, missed: [], unmatched: [], byDefault: false };
}

export function signInOf(
  name: string,
  roles: string[],
  seconds: number,
  more: Partial<SignIn> = {},
): SignIn {
  return {
    kind: 'sign_in',
    newUserId: toUserId(randomUUID()),
    connectionId: ACME,
    subject: toSubject(name),
    directoryId: toDirectoryId(name),
    protected: false,
    profile: { email: `${name}@acme.example`, givenName: name, familyName: 'Test' },
    groups: roles.map((role) => `${role}s`),
    attributes: new Map(),
    mapping: known(...roles),
    mode: 'authoritative',
    privilegedRoles: new Set(['admin']),
    issuedAt: at(seconds),
    authenticatedAt: at(seconds),
    vouching: 'directory',
    begunAt: at(seconds),
    clockSkewMs: 0,
    session: {
      id: toSessionId(randomUUID()),
      nameId: { value: name, format: null, nameQualifier: null, spNameQualifier: null },
      sessionIndex: null,
      expiresAt: at(seconds + 8 * 3600),
    },
    reference: 'TEST-000000',
    ...more,
  };
}

/** Signs somebody in and insists that it worked. */
export async function admit(
  scene: Scene,
  name: string,
  roles: string[],
  seconds: number,
  more: Partial<SignIn> = {},
): Promise<Extract<AccessOutcome, { kind: 'applied' }> & { session: SignIn['session'] }> {
  const change = signInOf(name, roles, seconds, more);
  const outcome = await run(scene, change, assertion(), seconds);
  if (outcome.kind !== 'applied')
    throw new Error(`${name} was not let in: ${JSON.stringify(outcome)}`);
  return { ...outcome, session: change.session };
}

/** Writes down, as the service does, that sign-in by a connection works: a containment rests on it. */
export function noteSignIn(scene: Scene, seconds: number, connectionId = ACME): Promise<void> {
  return addSignIns(scene.db, [{ connectionId, lastAt: at(seconds), clockOffsetsMs: [0] }]);
}

export function assertion(): Actor {
  return { kind: 'assertion', connection: 'acme', assertionId: `_${randomUUID()}` };
}

export function run(
  scene: Scene,
  change: Parameters<typeof apply>[1],
  actor: Actor,
  seconds: number,
): Promise<AccessOutcome> {
  return inTransaction(scene.db, (tx) => apply(tx, change, actor, at(seconds)));
}

export function step(
  kind: StateChange['kind'],
  userId: UserId,
  more: Partial<StateChange> = {},
): StateChange {
  return {
    kind,
    userId,
    expectedVersion: null,
    observedAt: null,
    reason: 'absent',
    evidence: {},
    ...more,
  };
}

export async function countAudit(scene: Scene, userId: UserId): Promise<Record<string, number>> {
  const rows = await scene.pool.query<{ kind: string; n: string }>(
    'select kind, count(*) as n from audit_events where user_id = $1 group by kind',
    [userId],
  );
  return Object.fromEntries(rows.rows.map((row) => [row.kind, Number(row.n)]));
}

/** What a listing shows of somebody's roles. */
export function rolesSeen(userId: UserId, roles: string[], seconds: number): RolesChange {
  return {
    kind: 'change_roles',
    userId,
    connectionId: ACME,
    expectedVersion: null,
    observedAt: at(seconds),
    seenIn: 'directory',
    groups: roles.map((role) => `${role}s`),
    mapping: known(...roles),
    mode: 'authoritative',
    privilegedRoles: new Set(['admin']),
    reason: 'groups_changed',
    evidence: {},
  };
}
