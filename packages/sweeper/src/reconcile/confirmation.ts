import type { CompleteSnapshot } from '@rollcall/shared/core/evidence';
import type { UserId } from '@rollcall/shared/core/ids';
import { hasAccess } from '@rollcall/shared/core/lifecycle';
import type { ConfirmedGrant, Presence } from '@rollcall/shared/core/presence';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import type { KnownUser } from './known-user.ts';
import type { SweepPolicy } from './policy.ts';
import { mappingOfListed } from './role-difference.ts';

/** In milliseconds. */
export const HOUR = 60 * 60 * 1000;
export const DAY = 24 * HOUR;

/**
 * What a snapshot confirms of somebody whom it lists as present, where that is due; else
 * null. Groups that the directory did not name, or that are older than those of a
 * sign-in, confirm no role.
 */
export function confirmationOf(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  policy: SweepPolicy,
): Presence | null {
  const { user, member } = person;
  if (member?.standing !== 'present' || user.owner !== 'roll' || !hasAccess(user.state)) {
    return null;
  }
  if (!isConfirmationDue(user.id, user.lastConfirmedAt, snapshot.startedAt)) return null;
  const listed = mappingOfListed(snapshot, person, member, policy);
  const given = new Set(listed?.mapped);
  const grants = person.grants
    .filter((grant) => given.has(grant.role) && grant.lastSeenAt < snapshot.startedAt)
    .map(({ role }): ConfirmedGrant => {
      const because = listed?.mapping.because.filter((reason) => reason.role === role) ?? [];
      return { role, because };
    });
  return { userId: user.id, version: user.version, grants };
}

/**
 * Whether somebody's presence is to be written down again. Each has a moment of the day
 * of their own, drawn from the id: the first sweep after it confirms them. So it is once
 * a day, however often one sweeps; each sweep of the day writes its even share; and where
 * one sweeps once a day, everybody is confirmed each time. A period that begins with the
 * last confirmation would keep together whom a first sweep has confirmed together, and
 * make daily sweeps pass people over. Whose moment comes right after that first one is
 * written again an hour later, not by the very next sweep.
 */
export function isConfirmationDue(id: UserId, last: EpochMs | null, now: EpochMs): boolean {
  if (last === null) return true;
  return now >= after(last, HOUR) && dayOf(id, now) > dayOf(id, last);
}

/** Counts the days that begin at the user's own moment: in whole numbers, which do not round. */
function dayOf(id: UserId, time: EpochMs): number {
  // Ids are random: their first 32 bits are spread evenly.
  const moment = Math.floor((Number.parseInt(id.slice(0, 8), 16) / 2 ** 32) * DAY);
  return Math.floor((time - moment) / DAY);
}
