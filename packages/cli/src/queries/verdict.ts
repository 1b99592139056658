import { hasAccess } from '@rollcall/shared/core/lifecycle';
import { sayReason } from '@rollcall/shared/core/reasons';
import type { RoleMiss } from '@rollcall/shared/core/roles';
import type { Grant } from '@rollcall/shared/core/user';
import type { Explanation } from '@rollcall/shared/explanation/explain-user';
import { keyOf } from './user-named.ts';

/** Whether somebody can act in a role now, and why. */
export type Verdict =
  | { readonly can: true; readonly grants: readonly Grant[]; readonly joined: readonly string[] }
  | {
      readonly can: false;
      readonly why: 'no_access' | 'no_connection' | 'no_grant' | 'no_such_role';
      /** The same in words. */
      readonly because: string;
      /** The rules for the role that gave nothing. */
      readonly missed: readonly RoleMiss[];
      readonly unmatched: readonly string[];
    };

/**
 * Judges by what is stored and what a request would be let in with: access, a connection
 * that is configured, and a grant of this record or of a joined one with access. Pure.
 */
export function judgeRole(
  explanation: Explanation,
  role: string,
  rolesOfRules: ReadonlySet<string>,
): Verdict {
  const { user, grants, mapping, joined } = explanation;
  const missed =
    mapping.kind === 'known' ? mapping.missed.filter((miss) => miss.role === role) : [];
  const unmatched = mapping.kind === 'known' ? mapping.unmatched : [];
  const no = (why: Extract<Verdict, { can: false }>['why'], because: string): Verdict => {
    return { can: false, why, because, missed, unmatched };
  };
  if (!hasAccess(user.state)) {
    const reason = user.stateReason === null ? '' : `: ${sayReason(user.stateReason)}`;
    return no('no_access', `the user is ${user.state}${reason}`);
  }
  if (!explanation.connectionConfigured) {
    return no('no_connection', `the configuration has no connection ${user.connectionId} any more`);
  }
  const own = grants.filter((grant) => grant.role === role);
  const others = joined
    .filter((one) => one.roles.includes(role) && givesRoles(one.user.state))
    .map((one) => keyOf(one.user));
  if (own.length + others.length > 0) return { can: true, grants: own, joined: others };
  if (!rolesOfRules.has(role)) return no('no_such_role', `no rule gives a role ${role}`);
  return no('no_grant', `the user does not hold ${role}`);
}

/** Somebody contained owes a fresh assertion, which a session of another record is not. */
function givesRoles(state: Explanation['user']['state']): boolean {
  return state === 'active' || state === 'suspected';
}
