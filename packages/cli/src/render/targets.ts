import type { EpochMs } from '@rollcall/shared/core/time';
import type { FailedDelivery, TargetBacklog } from '@rollcall/shared/outbox/waiting';
import type { Colors } from '../terminal.ts';
import { type Cell, renderTable } from './table.ts';
import { sayWhen, toIso } from './when.ts';

/** The targets, and what they did not take. */
export interface TargetsState {
  readonly targets: readonly TargetBacklog[];
  readonly failed: readonly FailedDelivery[];
}

/** For people. */
export function renderTargets(
  { targets, failed }: TargetsState,
  now: EpochMs,
  colors: Colors,
): string {
  if (targets.length === 0)
    return 'No targets: no app has registered a handler, and the configuration names none.';
  const dim = (text: string): Cell => ({ text, paint: colors.dim });
  const table = renderTable([
    ['TARGET', 'SERVED', 'WAITING', 'PARKED', 'OLDEST'].map(dim),
    ...targets.map((target) => [
      target.name,
      target.gone === null
        ? sayWhen(target.seenAt, now)
        : { text: `gone ${sayWhen(target.gone.at, now)}`, paint: colors.red },
      String(target.waiting),
      target.parked === 0 ? '0' : { text: String(target.parked), paint: colors.red },
      target.oldestAt === null ? '-' : sayWhen(target.oldestAt, now),
    ]),
  ]);
  if (failed.length === 0) return table;
  const details = renderTable([
    ['CHANGE', 'TARGET', 'KIND', 'USER', 'ATTEMPTS', 'BEHIND', 'STATE', 'ERROR'].map(dim),
    ...failed.map((one) => [
      one.change,
      one.target,
      one.kind,
      one.userId,
      String(one.attempts),
      String(one.behind),
      one.parkedAt === null ? 'tried again' : { text: 'parked', paint: colors.red },
      one.error ?? '-',
    ]),
  ]);
  return `${table}\n\n${details}`;
}

/** For programs. */
export function targetsToJson({ targets, failed }: TargetsState): Record<string, unknown> {
  return {
    targets: targets.map(({ name, seenAt, waiting, parked, oldestAt, gone }) => ({
      name,
      seen_at: toIso(seenAt),
      waiting,
      parked,
      oldest_at: toIso(oldestAt),
      gone: gone === null ? null : { at: toIso(gone.at), why: gone.why },
    })),
    failed: failed.map((one) => ({
      target: one.target,
      change: one.change,
      kind: one.kind,
      user: one.userId,
      at: toIso(one.at),
      attempts: one.attempts,
      behind: one.behind,
      error: one.error,
      failed_at: toIso(one.failedAt),
      parked_at: toIso(one.parkedAt),
    })),
  };
}
