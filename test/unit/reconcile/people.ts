import { randomUUID } from 'node:crypto';
import type { CompleteSnapshot, DirectoryMember } from '@rollcall/shared/core/evidence';
import {
  toConnectionId,
  toDirectoryId,
  toRunId,
  toSubject,
  toUserId,
} from '@rollcall/shared/core/ids';
import type { RoleRule } from '@rollcall/shared/core/roles';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { Grant, User } from '@rollcall/shared/core/user';
import type { KnownUser, PastLookUp } from '@rollcall/sweeper/reconcile/known-user';
import type { SweepPolicy } from '@rollcall/sweeper/reconcile/policy';

export const ACME = toConnectionId('acme');
export const THIS_RUN = toRunId('00000000-0000-4000-8000-000000000002');
export const EARLIER_RUN = toRunId('00000000-0000-4000-8000-000000000001');
export const STARTED = toEpochMs(Date.UTC(2026, 0, 10));
export const NOW = minutes(1);

/** So many minutes after this run's listing began. */
export function minutes(count: number): EpochMs {
  return toEpochMs(STARTED + count * 60_000);
}

export const SNAPSHOT: CompleteSnapshot = {
  kind: 'complete',
  runId: THIS_RUN,
  startedAt: STARTED,
  rows: 10,
  digest: 'd'.repeat(64),
};

export function rule(role: string, group: string, more: Partial<RoleRule> = {}): RoleRule {
  return {
    role,
    privileged: false,
    when: { anyGroup: [group], allGroups: [], attributes: {} },
    from: null,
    source: { file: 'rollcall.yaml', line: 1 },
    ...more,
  };
}

export const POLICY: SweepPolicy = {
  connectionId: ACME,
  confirmAfterMs: 5 * 60_000,
  protectedSubjects: new Set(),
  roles: {
    mode: 'authoritative',
    aliases: new Map(),
    rules: [rule('analyst', 'analysts'), rule('editor', 'editors')],
    defaultRole: null,
  },
};

export function userOf(more: Partial<User> = {}): User {
  const name = randomUUID();
  return {
    id: toUserId(name),
    connectionId: ACME,
    subject: toSubject(name),
    directoryId: toDirectoryId(name),
    owner: 'roll',
    state: 'active',
    cause: null,
    stateReason: 'signed_in',
    stateChangedAt: minutes(-600),
    protected: false,
    profile: { email: null, givenName: null, familyName: null },
    groups: null,
    groupsSeenAt: null,
    attributes: new Map(),
    epoch: 1,
    version: 1,
    createdAt: minutes(-900),
    lastAssertionAt: minutes(-600),
    lastConfirmedAt: null,
    sessionsEndedAt: null,
    protectedByAdmin: false,
    personId: null,
    ...more,
  };
}

export function memberOf(user: User, more: Partial<DirectoryMember> = {}): DirectoryMember {
  if (user.directoryId === null) throw new Error('a person without an id cannot be listed');
  return { id: user.directoryId, standing: 'present', groups: null, label: null, ...more };
}

export function grantOf(user: User, role: string, more: Partial<Grant> = {}): Grant {
  return {
    userId: user.id,
    role,
    connectionId: ACME,
    channel: 'roll',
    seenIn: 'assertion',
    privileged: false,
    because: [{ file: 'rollcall.yaml', line: 7, groups: [`${role}s`], attributes: [] }],
    firstSeenAt: minutes(-600),
    lastSeenAt: minutes(-600),
    ...more,
  };
}

/** A look-up of this run. */
export function ownLookUp(more: Partial<PastLookUp> = {}): PastLookUp {
  return {
    runId: THIS_RUN,
    standing: 'absent',
    seenIn: 'look_up',
    canary: 'present',
    at: minutes(1),
    ...more,
  };
}

/** A look-up of an earlier run, half an hour before. */
export function earlierLookUp(more: Partial<PastLookUp> = {}): PastLookUp {
  return ownLookUp({ runId: EARLIER_RUN, at: minutes(-30), ...more });
}

export function known(user: User, more: Partial<KnownUser> = {}): KnownUser {
  return { user, member: null, grants: [], lookUps: [], ...more };
}
