import type { RoleMapping } from './roles.ts';
import type { Grant } from './user.ts';

/** What a sign-in would make of somebody's roles. */
export interface RolePreview {
  /** All roles afterwards, of every connection and channel, sorted. Empty: a refusal. */
  readonly roles: readonly string[];
  readonly gain: readonly string[];
  readonly lose: readonly string[];
}

/**
 * What a sign-in that asserts the same again would make of the roles of a record, by the
 * rules of now. Pure. Groups that are not known change nothing (invariant 9), and what
 * another connection or channel gives stays. Whether the last admins keep a role is
 * decided where the grants are locked, and not foreseen here.
 *
 * @param mode of the connection; `additive` for the protected, from whom nothing is taken.
 */
export function previewSignIn(
  grants: readonly Pick<Grant, 'role' | 'connectionId' | 'channel'>[],
  connection: string,
  mapping: RoleMapping,
  mode: 'authoritative' | 'additive' | 'first_login',
): RolePreview {
  const held = sortedOnce(grants.map((grant) => grant.role));
  if (mapping.kind === 'unknown' || mode === 'first_login') {
    return { roles: held, gain: [], lose: [] };
  }
  const isOurs = (grant: (typeof grants)[number]): boolean =>
    grant.connectionId === connection && grant.channel === 'roll';
  const kept = grants.filter((grant) => mode === 'additive' || !isOurs(grant));
  const roles = sortedOnce([...kept.map((grant) => grant.role), ...mapping.roles]);
  return {
    roles,
    gain: roles.filter((role) => !held.includes(role)),
    lose: held.filter((role) => !roles.includes(role)),
  };
}

function sortedOnce(roles: readonly string[]): readonly string[] {
  return [...new Set(roles)].sort();
}
