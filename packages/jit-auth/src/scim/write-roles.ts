import { type ScimRoles, writeScimRoles } from '@rollcall/shared/access/scim-roles';
import type { Tx } from '@rollcall/shared/db/database';
import type { ScimCall } from './call.ts';
import { accessRefused } from './refusals.ts';
import { readMappings } from './role-mapping.ts';

/** Whose roles are written, and why. */
export type RolesOfPeople = Required<Pick<ScimRoles, 'people' | 'reason' | 'returning'>>;

/**
 * Writes the roles that groups and attributes give people now. Throws `scim.last_admin`
 * where one of the last holders would lose a privileged role.
 */
export async function writeRoles(tx: Tx, call: ScimCall, roles: RolesOfPeople): Promise<void> {
  const { connection, actor, now, reference } = call;
  const { id: connectionId, privilegedRoles } = connection;
  const change: ScimRoles = {
    ...roles,
    connectionId,
    privilegedRoles,
    reference,
    readMappings: (people) => readMappings(tx, people, connection),
  };
  const written = await writeScimRoles(tx, change, actor, now);
  if (written.kind === 'refused') throw accessRefused(written.code, written.user, written.roles);
}
