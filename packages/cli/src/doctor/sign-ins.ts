import type { ConnectionConfig } from '@rollcall/shared/config/types';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { type ConnectionSignIns, signInsOf } from '@rollcall/shared/db/connection-sign-ins';
import type { Database } from '@rollcall/shared/db/database';
import { type RefusalSummary, refusalsOf } from '@rollcall/shared/db/sign-in-refusals';
import { sayWhen } from '../render/when.ts';
import { sayDifference } from './clock.ts';
import { type Finding, ok, wrong } from './finding.ts';
import type { Patient } from './patient.ts';

const DAY_MS = 86_400_000;
/** How many codes are shown of a day's refusals. */
const SHOWN = 5;
/** Below this a difference of clocks is the way through the browser. */
const LEAST_OFFSET_MS = 2_000;

/** The last sign-in by a connection, the clocks at sign-ins, and what was refused of late. */
export async function examineSignIns(
  connection: ConnectionConfig,
  db: Database,
  { clock, advice }: Pick<Patient, 'clock' | 'advice'>,
): Promise<readonly Finding[]> {
  const now = clock();
  const signIns = await signInsOf(db, connection.id);
  const refusals = await refusalsOf(db, connection.id, after(now, -DAY_MS));
  const shown = refusals.slice(0, SHOWN).map((refusal) => {
    const cure = advice.of(refusal.code, connection.preset) ?? 'See docs/errors.md.';
    const message = sayRefusal(refusal, now);
    return wrong('warning', 'refusals', { code: refusal.code, message, cure });
  });
  const none = ok('refusals', 'none within a day');
  return [
    ...judgeSignIns(signIns, connection.clockSkewMs, now),
    ...(shown.length === 0 ? [none] : shown),
  ];
}

/**
 * The shortest way from the provider to us is nearest to the difference of the clocks:
 * people and browsers only add to it.
 */
export function judgeSignIns(
  signIns: ConnectionSignIns | null,
  clockSkewMs: number,
  now: EpochMs,
): readonly Finding[] {
  if (signIns === null) return [ok('sign-ins', 'nobody has signed in yet')];
  const last = ok('sign-ins', `the last one ${sayWhen(signIns.lastAt, now)}`);
  const sorted = signIns.clockOffsetsMs.toSorted((a, b) => a - b);
  const [least] = sorted;
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (least === undefined || middle === undefined) return [last];
  const seen = `at ${sorted.length} sign-ins ours was ${sayDifference(least)} at least, ${sayDifference(middle)} in the middle, ${sayDifference(signIns.clockOffsetsMs[0] ?? least)} at the last`;
  if (Math.abs(least) <= Math.max(LEAST_OFFSET_MS, clockSkewMs / 2))
    return [last, ok('clock', seen)];
  const warning = wrong('warning', 'clock', {
    code: 'doctor.clock_differs',
    message: `${seen}; clock_skew allows ${clockSkewMs / 1000} s`,
    cure: 'Synchronize the clocks (NTP), ours first; sign-ins fail soon.',
  });
  return [last, warning];
}

function sayRefusal({ code, count, lastAt, last }: RefusalSummary, now: EpochMs): string {
  const times = count === 1 ? 'once' : `${count} times`;
  const values =
    last === null ? '' : `: expected ${last.expected ?? '-'}, received ${last.received ?? '-'}`;
  const reference = last === null ? '' : ` (${last.reference})`;
  return `${code} ${times}, the last ${sayWhen(lastAt, now)}${reference}${values}`;
}
