import type { EpochMs } from '../core/time.ts';
import type { User } from '../core/user.ts';

/** A moment for programs: ISO 8601 in UTC, or null. */
export function toIso(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** A user for programs. Keys are snake_case, like the configuration. */
export function userToJson({
  user,
  roles,
}: {
  readonly user: User;
  readonly roles: readonly string[];
}): Record<string, unknown> {
  return {
    id: user.id,
    connection: user.connectionId,
    subject: user.subject,
    directory_id: user.directoryId,
    email: user.profile.email,
    given_name: user.profile.givenName,
    family_name: user.profile.familyName,
    owner: user.owner,
    state: user.state,
    cause: user.cause,
    reason: user.stateReason,
    state_changed_at: toIso(user.stateChangedAt),
    protected: user.protected,
    person: user.personId,
    roles,
    groups: user.groups,
    created_at: toIso(user.createdAt),
    last_assertion_at: toIso(user.lastAssertionAt),
    last_confirmed_at: toIso(user.lastConfirmedAt),
  };
}
