import type { CompleteSnapshot, DirectoryMember } from '@rollcall/shared/core/evidence';
import { toRoleReason } from '@rollcall/shared/core/grant-reason';
import {
  mapRoles,
  privilegedRoles,
  type RoleMapping,
  type RoleReason,
} from '@rollcall/shared/core/roles';
import type { Grant } from '@rollcall/shared/core/user';
import type { KnownUser } from './known-user.ts';
import type { SweepPolicy } from './policy.ts';

/** How the roles that the rules give now differ from those that the connection gave. */
export interface RoleDifference {
  /** All roles that the connection gives now, sorted. */
  readonly roles: readonly string[];
  readonly gain: readonly string[];
  readonly lose: readonly string[];
  readonly because: readonly RoleReason[];
}

/**
 * What a listed person's groups change about their roles; null where they change
 * nothing. Groups that the directory did not name change nothing (invariant 9), and
 * neither do groups older than those of a sign-in.
 */
export function differenceOfRoles(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  member: DirectoryMember,
  policy: SweepPolicy,
): RoleDifference | null {
  const listed = mappingOfListed(snapshot, person, member, policy);
  if (listed === null) return null;
  const { mapping, mapped, kept } = listed;
  const { mode, rules } = policy.roles;
  const held = new Set(person.grants.map((grant) => grant.role));
  // A listing alone makes nobody an admin: such a role is given at a sign-in that asserts it.
  const privileged = privilegedRoles(rules);
  const given = mapped.filter((role) => held.has(role) || !privileged.has(role));
  const roles = [...new Set([...given, ...kept.map((grant) => grant.role)])].sort();
  const gain = roles.filter((role) => !held.has(role));
  const lose =
    mode === 'authoritative' ? [...held].filter((role) => !roles.includes(role)).sort() : [];
  if (gain.length === 0 && lose.length === 0) return null;
  return { roles, gain, lose, because: [...mapping.because, ...kept.flatMap(reasonsOf)] };
}

/** What the rules make of the groups that a directory names for somebody. */
export interface ListedMapping {
  readonly mapping: Extract<RoleMapping, { kind: 'known' }>;
  /** The roles that the rules give, or the default where nothing else is held. */
  readonly mapped: readonly string[];
  /** Grants that the listing cannot judge, and that stay. */
  readonly kept: readonly Grant[];
}

/** Null where the listing says nothing of somebody's roles. */
export function mappingOfListed(
  snapshot: CompleteSnapshot,
  person: KnownUser,
  member: DirectoryMember,
  policy: SweepPolicy,
): ListedMapping | null {
  const { user } = person;
  const { mode, rules, defaultRole, aliases } = policy.roles;
  if (mode === 'first_login' || member.groups === null) return null;
  if (user.groupsSeenAt !== null && user.groupsSeenAt > snapshot.startedAt) return null;
  const input = {
    connection: policy.connectionId,
    groups: member.groups,
    aliases,
    attributes: user.attributes,
  };
  const mapping = mapRoles(input, rules, defaultRole);
  if (mapping.kind === 'unknown') return null;
  const kept = person.grants.filter((grant) => mustNotBeTaken(grant, mapping, person));
  const mapped = mapping.byDefault && kept.length > 0 ? [] : mapping.roles;
  return { mapping, mapped, kept };
}

/**
 * A directory names groups, not the attributes of an assertion. Where the groups of
 * a rule match and only attributes that nobody has told us are missing, the rule
 * cannot be judged, and what it gave stays.
 */
function mustNotBeTaken(
  grant: Grant,
  mapping: Extract<RoleMapping, { kind: 'known' }>,
  person: KnownUser,
): boolean {
  if (mapping.roles.includes(grant.role) && !mapping.byDefault) return false;
  return mapping.missed.some(
    (miss) =>
      miss.role === grant.role &&
      miss.because === 'attribute_mismatch' &&
      miss.wanted.every((name) => !person.user.attributes.has(name)),
  );
}

function reasonsOf(grant: Grant): readonly RoleReason[] {
  return grant.because.map((reason) => toRoleReason(grant.role, reason));
}
