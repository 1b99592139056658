import type { Config, ConnectionConfig } from '@rollcall/shared/config/types';
import { type BrakeLimits, limitsFor } from '../reconcile/brake-limits.ts';

/** The limits of a connection, with those that hold over all connections. */
export function configuredLimits(
  { limits: overAll }: Pick<Config, 'limits'>,
  { limits, twoApproversAbove }: NonNullable<ConnectionConfig['sweep']>,
): BrakeLimits {
  return limitsFor({
    absencePerRun: limits.absencePerRun.percent,
    absencePerDay: limits.absencePerDay.percent,
    disabledPerDay: limits.disabledPerDay.percent,
    roleChangesPerRun: limits.roleChangesPerRun.percent,
    twoApproversAbove: twoApproversAbove.percent,
    allConnectionsPerDay: overAll.allConnectionsPerDay.percent,
  });
}
