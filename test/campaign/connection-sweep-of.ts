import type { Directory } from '@rollcall/sweeper/directories/port';
import { DEFAULT_PERCENTS, limitsFor } from '@rollcall/sweeper/reconcile/brake-limits';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { RULES } from './sign-in-act.ts';
import { DAY, HOUR, MINUTE } from './virtual-time.ts';
import { CONFIRM_AFTER, type Company, PRIVILEGED } from './world.ts';

/** What the configuration says of the sweep of a company. */
export function connectionSweepOf(company: Company, directory: Directory): ConnectionSweep {
  const people = [...company.people.values()];
  const { misses, silence } = company;
  return {
    connectionId: company.id,
    directory,
    mode: company.mode,
    everyMs: 15 * MINUTE,
    planExpiresMs: DAY,
    escalateMs: [HOUR, 4 * HOUR],
    policy: {
      connectionId: company.id,
      confirmAfterMs: CONFIRM_AFTER,
      ...(misses === null ? {} : { misses }),
      ...(silence === null ? {} : { silence }),
      protectedSubjects: new Set(
        people.filter((person) => person.protected).map(({ id }) => id as never),
      ),
      roles: { mode: company.rolesMode, rules: RULES, aliases: new Map(), defaultRole: null },
    },
    limits: limitsFor({ ...DEFAULT_PERCENTS, ...company.percents }),
    privilegedRoles: new Set([PRIVILEGED]),
    configuration: `configuration ${company.configuration}`,
  };
}
