import * as z from 'zod';
import { count, duration, list, mapping, oneOf, type Reading, textAs } from './fields.ts';

/** A share of the active users of a connection, in percent: above 0, at most 50. */
export interface Share {
  readonly percent: number;
}

const SHARE = /^([0-9]{1,2}(?:\.[0-9]{1,3})?) ?%$/;
const MAX_PERCENT = 50;
/** More than this needs two people, whatever is configured. */
const MAX_FOR_ONE_APPROVER = 20;

/** The sweep part of a connection. */
export function sweepSchema() {
  return mapping({
    every: duration('10s', '7d').prefault('15m'),
    mode: oneOf(['observe', 'approve', 'auto']).default('approve'),
    confirm_after: duration('1s', '1d').prefault('5m'),
    misses: count(2, 30).default(4),
    misses_apart: duration('1h', '7d').prefault('24h'),
    silence: silenceSchema().optional(),
    plan_expires: duration('1m', '7d').prefault('24h'),
    stale_after: count(2, 100).default(3),
    escalate: list(duration('1m', '7d'), 'a list of at least one duration', 1).prefault([
      '1h',
      '4h',
      '20h',
    ]),
    two_approvers_above: share(MAX_FOR_ONE_APPROVER).prefault('20%'),
    limits: limitsSchema().prefault({}),
  }).transform((sweep) => ({
    everyMs: sweep.every,
    mode: sweep.mode,
    /** Time between the two look-ups that confirm an absence. */
    confirmAfterMs: sweep.confirm_after,
    /** How often somebody must be missing, where the directory answers no look-ups. */
    misses: sweep.misses,
    missesApartMs: sweep.misses_apart,
    /** Null: nobody loses access for not signing in. */
    silence: sweep.silence ?? null,
    planExpiresMs: sweep.plan_expires,
    /** How many intervals may pass without a whole listing before somebody is told. */
    staleAfter: sweep.stale_after,
    /** How long after a plan was held somebody is told again, each once. */
    escalateMs: sweep.escalate,
    /** A held plan that takes from a larger share of the people needs two approvers. */
    twoApproversAbove: sweep.two_approvers_above,
    limits: sweep.limits,
  }));
}

const DAY_MS = 86_400_000;
/** So long before the end it is told, in days, where nothing else is said. */
const WARN_BEFORE = [14, 3];

/** Whole days: silence is counted in days. */
function silenceSchema() {
  const days = () => duration('1d', '730d').transform((ms) => Math.ceil(ms / DAY_MS));
  return mapping({
    deactivate: days().prefault('90d'),
    warn: list(days(), 'a list of durations').optional(),
  }).transform(({ deactivate, warn }, context) => {
    const usual = WARN_BEFORE.map((before) => deactivate - before).filter((at) => at > 0);
    const warnDays = [...new Set(warn ?? usual)].sort((a, b) => a - b);
    if (warnDays.some((at) => at >= deactivate)) {
      context.issues.push({
        code: 'custom',
        input: undefined,
        message: `expected every warn to come before deactivate, which is ${deactivate}d`,
        path: ['warn'],
        params: { code: 'config.conflict' },
      });
      return z.NEVER;
    }
    return { deactivateDays: deactivate, warnDays };
  });
}

/** The limits that hold for all connections together. */
export function overAllLimitsSchema() {
  return mapping({ all_connections_per_day: share().prefault('2%') }).transform((limits) => ({
    allConnectionsPerDay: limits.all_connections_per_day,
  }));
}

/** The brake has no off switch: a limit moves between 0 % and 50 %, and is never absent. */
function limitsSchema() {
  return mapping({
    absence_per_run: share().prefault('2%'),
    absence_per_day: share().prefault('5%'),
    disabled_per_day: share().prefault('10%'),
    role_changes_per_run: share().prefault('2%'),
  }).transform((limits) => ({
    absencePerRun: limits.absence_per_run,
    absencePerDay: limits.absence_per_day,
    disabledPerDay: limits.disabled_per_day,
    roleChangesPerRun: limits.role_changes_per_run,
  }));
}

/** A share of at most `most` percent: there is no value that means "everybody". */
function share(most = MAX_PERCENT) {
  const form = `a share such as "2%", above 0% and at most ${most}%`;
  return textAs(form, (text): Reading<Share> => {
    const percent = Number(SHARE.exec(text)?.[1]);
    if (percent > 0 && percent <= most) return { ok: true, value: { percent } };
    return { ok: false, wrong: `expected ${form}: the brake cannot be switched off` };
  });
}
