import * as z from 'zod';
import { CAUSES, USER_STATES } from '../core/lifecycle.ts';
import type { Grant, User } from '../core/user.ts';

/** A user and their grants as a change found them, under the lock under which it was made. */
export interface AccessBefore {
  readonly user: User;
  readonly grants: readonly Grant[];
}

const at = z.iso.datetime();
const strings = z.array(z.string()).readonly();

const grant = z.object({
  role: z.string(),
  seen_in: z.enum(['assertion', 'directory', 'scim', 'manual']),
  privileged: z.boolean(),
  /** As it was written, whatever keys it has: it goes back untouched. */
  because: z.array(z.record(z.string(), z.unknown())).readonly(),
  first_seen_at: at,
  last_seen_at: at,
});

const stored = z.object({
  /** The version that the change left: undone only while nothing newer has happened. */
  version: z.int(),
  state: z.enum(USER_STATES),
  cause: z.enum(CAUSES).nullable(),
  state_reason: z.string().nullable(),
  state_changed_at: at,
  last_confirmed_at: at.nullable(),
  /** Null where the change left roles alone: a deactivation keeps them. */
  roles: z
    .object({
      groups: strings.nullable(),
      groups_seen_at: at.nullable(),
      /** Every grant that the connection held on the user over the roll. */
      grants: z.array(grant).readonly(),
    })
    .nullable(),
});

/** What is needed to take a change back exactly, as JSON keeps it. */
export type UndoRecord = z.output<typeof stored>;

/** Reads what the database holds. Throws `ZodError` where it is none. */
export function toUndoRecord(value: unknown): UndoRecord {
  return stored.parse(value);
}

/**
 * Remembers how things were before a change.
 *
 * @param version the user's version after the change.
 * @param changesRoles whether the change was one of roles.
 */
export function undoRecordOf(
  { user, grants }: AccessBefore,
  version: number,
  changesRoles: boolean,
): UndoRecord {
  const iso = (time: number): string => new Date(time).toISOString();
  const isoOrNull = (time: number | null): string | null => (time === null ? null : iso(time));
  const ours = grants.filter(
    ({ connectionId, channel }) => connectionId === user.connectionId && channel === 'roll',
  );
  return {
    version,
    state: user.state,
    cause: user.cause,
    state_reason: user.stateReason,
    state_changed_at: iso(user.stateChangedAt),
    last_confirmed_at: isoOrNull(user.lastConfirmedAt),
    roles: changesRoles
      ? {
          groups: user.groups,
          groups_seen_at: isoOrNull(user.groupsSeenAt),
          grants: ours.map((one) => ({
            role: one.role,
            seen_in: one.seenIn,
            privileged: one.privileged,
            because: one.because.map((reason) => ({ ...reason })),
            first_seen_at: iso(one.firstSeenAt),
            last_seen_at: iso(one.lastSeenAt),
          })),
        }
      : null,
  };
}
