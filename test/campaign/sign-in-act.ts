import type { SignIn } from '@rollcall/shared/access/change';
import { toSessionId, toSubject, toUserId } from '@rollcall/shared/core/ids';
import { mapRoles, type RoleRule } from '@rollcall/shared/core/roles';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { Random } from './random.ts';
import { HOUR } from './virtual-time.ts';
import { type Company, factOf, GROUPS, type Person, PRIVILEGED, ROLE_OF } from './world.ts';

/** The rules of every company: one group, one role. */
export const RULES: readonly RoleRule[] = GROUPS.map((group, index) => ({
  role: ROLE_OF[group] ?? group,
  privileged: ROLE_OF[group] === PRIVILEGED,
  when: { anyGroup: [group], allGroups: [], attributes: {} },
  // Whoever gives a privileged role has to be named.
  from: ROLE_OF[group] === PRIVILEGED ? ['company0', 'company1', 'company2'] : null,
  source: { file: 'rollcall.yaml', line: index + 1 },
}));

/** What the door makes of an assertion about somebody: as the service does, after verification. */
export function signInOf(
  company: Company,
  person: Person,
  random: Random,
  when: { readonly truly: number; readonly ours: EpochMs; readonly idpSkew: number },
): SignIn {
  const { groups } = factOf(person, when.truly);
  const issuedAt = toEpochMs(when.truly + when.idpSkew);
  const begunAt = toEpochMs(when.ours - 2_000);
  const connection = company.id;
  const aliases = new Map<string, string>();
  return {
    kind: 'sign_in',
    newUserId: toUserId(random.uuid()),
    connectionId: connection,
    subject: toSubject(person.id),
    directoryId: person.nameless ? null : person.id,
    protected: person.protected,
    profile: { email: `${person.id}@company.example`, givenName: null, familyName: null },
    groups,
    attributes: new Map(),
    mapping: mapRoles({ connection, groups, aliases, attributes: new Map() }, RULES, null),
    mode: company.rolesMode,
    privilegedRoles: new Set([PRIVILEGED]),
    issuedAt,
    authenticatedAt: issuedAt,
    vouching: 'directory',
    begunAt,
    clockSkewMs: 60_000,
    session: {
      id: toSessionId(random.uuid()),
      nameId: { value: person.id, format: null, nameQualifier: null, spNameQualifier: null },
      sessionIndex: null,
      expiresAt: toEpochMs(when.ours + 8 * HOUR),
    },
    reference: 'CAMPAIGN-0',
  };
}
