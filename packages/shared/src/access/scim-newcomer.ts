import { type RawBuilder, sql } from 'kysely';
import type { Actor } from '../core/actor.ts';
import { toGrantReason } from '../core/grant-reason.ts';
import { unknownSubject } from '../core/ids.ts';
import { hasAccess } from '../core/lifecycle.ts';
import type { RoleMapping } from '../core/roles.ts';
import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';
import { type Database, runPrepared, type Tx } from '../db/database.ts';
import type { ScimUserEntry, ScimUserRecord } from '../db/scim-users.ts';
import { toTimestamp } from '../db/timestamp.ts';
import {
  type AuditEntry,
  auditsFor,
  auditViewOf,
  messagesFor,
  type OutboxMessage,
} from './record.ts';
import type { ScimProvision } from './scim-provision.ts';

/** Somebody whom a client over SCIM makes known, with all that follows at once. */
export interface ScimNewcomer extends ScimProvision {
  readonly entry: ScimUserEntry;
  /** What the rules give by attributes alone: somebody new is in no group. */
  readonly mapping: Extract<RoleMapping, { kind: 'known' }>;
}

/**
 * Makes a user whom SCIM owns, what is kept for SCIM, grants, audit and outbox, in one
 * statement, which is a transaction where there is none around it. Null where the
 * connection has named the person before, or another transaction is about to: then
 * nothing was written, and `provisionByScim` says what follows.
 *
 * @param isKnownNew whether the caller has looked, under the lock of the directory's id.
 */
export async function insertScimNewcomer(
  db: Database | Tx,
  change: ScimNewcomer,
  { isKnownNew }: { readonly isKnownNew: boolean },
  actor: Actor,
  now: EpochMs,
): Promise<{ readonly user: User; readonly record: ScimUserRecord } | null> {
  const user = newcomerOf(change, now);
  const { connectionId, subject, directoryId } = change;
  const isNew = isKnownNew
    ? sql`true`
    : sql`is_newcomer(${connectionId}::text, ${subject}::text, ${directoryId}::text)`;
  const statement = insertionOf(change, { user, isNew }, actor, now);
  const [row] = isKnownNew
    ? (await statement.execute(db)).rows
    : await runPrepared(db, 'scim_newcomer', statement);
  if (row === undefined) return null;
  const { active } = change;
  const times = { createdAt: now, modifiedAt: now };
  return { user, record: { id: user.id, ...row, active, said: active, version: 1, ...times } };
}

function insertionOf(
  change: ScimNewcomer,
  { user, isNew }: { readonly user: User; readonly isNew: RawBuilder<unknown> },
  actor: Actor,
  now: EpochMs,
): RawBuilder<{ seq: string; resource: object }> {
  const given = grantsOf(change, user);
  const story = storyOf(change, user, given);
  const at = toTimestamp(now);
  const { connectionId: connection, directoryId, entry, profile } = change;
  return sql`
    with newcomer as materialized (select ${isNew} as is_new),
    made as (
      insert into users (id, connection_id, subject, directory_id, owner, state, cause, state_reason,
                         state_changed_at, protected, email, given_name, family_name, attributes, created_at, version)
      select ${user.id}::uuid, ${connection}, ${user.subject}, ${directoryId}, 'scim', ${user.state}, ${user.cause},
             ${user.stateReason}, ${at}::timestamptz, ${change.protected}::boolean, ${profile.email}, ${profile.givenName},
             ${profile.familyName}, '{}', ${at}::timestamptz, ${user.version}::integer
        from newcomer where is_new
      on conflict (connection_id, subject) do nothing returning id),
    kept as (
      insert into scim_users (user_id, connection_id, user_name_key, external_id, active, email_keys,
                              resource, search, created_at, modified_at)
      select id, ${connection}, ${entry.userNameKey}, ${entry.externalId}, ${entry.active}::boolean, ${[...entry.emailKeys]}::text[],
             ${JSON.stringify(entry.resource)}::jsonb, ${JSON.stringify(entry.search)}::jsonb, ${at}::timestamptz, ${at}::timestamptz
        from made returning seq, resource),
    granted as (
      insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
      select id, given.role, ${connection}, 'scim', 'scim', given.privileged, given.because, ${at}::timestamptz, ${at}::timestamptz
        from made, json_to_recordset(${JSON.stringify(given)}::json) as given (role text, privileged boolean, because jsonb)),
    audited as (${auditsFor(sql`made`, story.facts, actor, now)}),
    told as (${messagesFor(sql`made`, story.messages, now)})
    select seq, resource from kept`;
}

/** As the table will have them. */
function newcomerOf(change: ScimNewcomer, now: EpochMs): User {
  const { newUserId: id, active, mapping } = change;
  const isGiven = active && mapping.roles.length > 0;
  return {
    id,
    connectionId: change.connectionId,
    subject: change.subject ?? unknownSubject(id),
    directoryId: change.directoryId,
    owner: 'scim',
    state: active ? 'active' : 'deactivated',
    cause: active ? null : 'scim',
    stateReason: active ? 'scim_provisioned' : 'scim_inactive',
    stateChangedAt: now,
    protected: change.protected,
    protectedByAdmin: false,
    personId: null,
    profile: change.profile,
    groups: null,
    groupsSeenAt: null,
    attributes: new Map(),
    epoch: 1,
    version: isGiven ? 2 : 1,
    createdAt: now,
    lastAssertionAt: null,
    lastConfirmedAt: null,
    sessionsEndedAt: null,
    purgedAt: null,
  };
}

/** Somebody without access gets no role: it is given on the day on which access is. */
function grantsOf({ mapping, privilegedRoles }: ScimNewcomer, { state }: User) {
  if (!hasAccess(state)) return [];
  return mapping.roles.map((role) => ({
    role,
    privileged: privilegedRoles.has(role),
    because: mapping.because.filter((one) => one.role === role).map(toGrantReason),
  }));
}

/** What is told of somebody new: first that they are there, then what they were given. */
function storyOf(
  { connectionId, reference }: ScimNewcomer,
  user: User,
  given: readonly { readonly role: string }[],
): { readonly facts: readonly AuditEntry[]; readonly messages: readonly OutboxMessage[] } {
  const { id: userId, subject, profile } = user;
  const about = { userId, connectionId, reason: 'scim_provisioned', reference };
  const bare = auditViewOf({ ...user, version: 1 }, []);
  const roles = given.map(({ role }) => role);
  const created = { ...about, kind: 'user.created' as const, after: bare };
  const welcome = {
    kind: 'user.created' as const,
    userId,
    payload: { subject, profile, roles: [] },
  };
  if (roles.length === 0) return { facts: [created], messages: [welcome] };
  const after = auditViewOf(user, roles);
  return {
    facts: [created, { ...about, kind: 'roles.changed', before: bare, after }],
    messages: [
      welcome,
      { kind: 'roles.changed', userId, payload: { gained: roles, lost: [], roles } },
    ],
  };
}
