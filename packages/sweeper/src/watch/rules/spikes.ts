import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { isoOf } from '@rollcall/shared/db/timestamp';
import type { Judgement } from './episode.ts';

/** Above what is usual by this factor, something is different. */
const FACTOR = 5;
/** So many new people in an hour are a team that begins, wherever it is. */
const FEWEST_USERS = 10;
/** So many refusals in a day are a few people with a wrong bookmark. */
const FEWEST_REFUSALS = 20;
/** So many refused requests in an hour are a few people whom a client maps wrongly. */
const FEWEST_SCIM_REFUSALS = 20;
const DAYS = 7;
/** Fewer days say nothing of what is usual: on the first ones everybody is new. */
const FEWEST_DAYS = 3;
const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

/** When people were admitted by a connection for the first time. */
export interface Admissions {
  readonly connectionId: ConnectionId;
  /** How many in each of the last hours: [0] is the hour up to now. Hours without any may be left out. */
  readonly byHoursAgo: ReadonlyMap<number, number>;
  /** When the first one of all was admitted; null: nobody yet. */
  readonly firstAt: EpochMs | null;
}

/**
 * Whether far more people than usual were admitted within an hour: more than ten, and more
 * than five times what is usual. Usual is the middle one of the busiest hours of each of
 * the seven days before. A mean over all hours would be low for the nights, and cry wolf
 * each morning; the busiest hour of the week would be silent for a week after each wave;
 * the middle of the busiest hours knows mornings, and is moved neither by one wave nor by
 * a weekend.
 */
export function judgeAdmissions(seen: Admissions, now: EpochMs): Judgement {
  const { connectionId, byHoursAgo, firstAt } = seen;
  const hoursBefore = firstAt === null ? 0 : (now - firstAt) / HOUR_MS - 1;
  const days = Math.min(DAYS, Math.floor(hoursBefore / DAY_HOURS));
  if (days < FEWEST_DAYS) return { holds: null, over: true };
  const { count: created, usual, standing } = judgeHours(byHoursAgo, days, FEWEST_USERS);
  if (standing !== 'spike') return { holds: null, over: standing === 'usual' };
  const from = isoOf(after(now, -HOUR_MS));
  const facts = { created, usual, from };
  return {
    holds: { event: 'users.spike', connectionId, about: `from ${from}`, facts },
    over: false,
  };
}

/** What SCIM clients do to a connection, by the hour; see {@link Admissions}. */
export interface ScimHours {
  readonly connectionId: ConnectionId;
  /** Requests that were refused or failed. */
  readonly refused: ReadonlyMap<number, number>;
  /** The commonest codes of the last hour with their counts. */
  readonly codes: readonly string[];
  /** People whose access a client ended. */
  readonly ended: ReadonlyMap<number, number>;
}

/** Whether far more requests of a client than usual are refused, though others get through. */
export function judgeScimRefusals(seen: ScimHours, now: EpochMs): Judgement {
  const { connectionId, codes } = seen;
  const { count, usual, standing } = judgeHours(seen.refused, DAYS, FEWEST_SCIM_REFUSALS);
  if (standing !== 'spike') return { holds: null, over: standing === 'usual' };
  const from = isoOf(after(now, -HOUR_MS));
  const facts = { refused: count, usual, from, codes };
  return {
    holds: { event: 'scim.refusals_spike', connectionId, about: `from ${from}`, facts },
    over: false,
  };
}

/**
 * Whether a client ends far more people's access than usual. What SCIM says is done at
 * once, so this holds up nothing: it is for whoever unassigned the wrong group.
 */
export function judgeScimLeavers(seen: ScimHours, now: EpochMs): Judgement {
  const { connectionId } = seen;
  const { count, usual, standing } = judgeHours(seen.ended, DAYS, FEWEST_USERS);
  if (standing !== 'spike') return { holds: null, over: standing === 'usual' };
  const from = isoOf(after(now, -HOUR_MS));
  const facts = { ended: count, usual, from };
  return {
    holds: { event: 'scim.leavers_spike', connectionId, about: `from ${from}`, facts },
    over: false,
  };
}

interface HourJudged {
  readonly count: number;
  readonly usual: number;
  readonly standing: 'spike' | 'between' | 'usual';
}

/** The last hour beside the busiest hours of the days before. */
function judgeHours(
  byHoursAgo: ReadonlyMap<number, number>,
  days: number,
  fewest: number,
): HourJudged {
  const count = byHoursAgo.get(0) ?? 0;
  const usual = middleOf(Array.from({ length: days }, (_, day) => busiestHour(byHoursAgo, day)));
  const limit = Math.max(fewest, FACTOR * usual);
  if (count > limit) return { count, usual, standing: 'spike' };
  return { count, usual, standing: count <= limit / 2 ? 'usual' : 'between' };
}

function busiestHour(byHoursAgo: ReadonlyMap<number, number>, day: number): number {
  const counts = Array.from({ length: DAY_HOURS }, (_, hour) => {
    return byHoursAgo.get(1 + day * DAY_HOURS + hour) ?? 0;
  });
  return Math.max(...counts);
}

/** Refused sign-ins of a connection. */
export interface Refusals {
  readonly connectionId: ConnectionId;
  /** `YYYY-MM-DD`, in UTC. */
  readonly today: string;
  /** So far today. */
  readonly refused: number;
  /** On each of the seven days before; what is missing is 0. */
  readonly daysBefore: readonly number[];
  /** The commonest codes of today with their counts. */
  readonly codes: readonly string[];
}

/**
 * Whether far more sign-ins are refused than usual: more than twenty on a day, and more
 * than five times the middle one of the seven days before. Refusals are written down by
 * day: that a day is bad is seen in the minute in which it has become so.
 */
export function judgeRefusals(seen: Refusals): Judgement {
  const { connectionId, today, refused, daysBefore, codes } = seen;
  const all = Array.from({ length: DAYS }, (_, day) => daysBefore[day] ?? 0);
  const usual = middleOf(all);
  const limit = Math.max(FEWEST_REFUSALS, FACTOR * usual);
  if (refused <= limit) return { holds: null, over: refused <= limit / 2 };
  const facts = { refused, usual, day: today, codes };
  return {
    holds: { event: 'sign_in.refusals_spike', connectionId, about: today, facts },
    over: false,
  };
}

/** Of an even number, the lower one of the two. */
function middleOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
}
