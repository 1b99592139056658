import type { UserId } from '@rollcall/shared/core/ids';
import type { User } from '@rollcall/shared/core/user';
import { badRequest, ScimError } from './scim-error.ts';

/** There is no such resource, or it is another connection's. */
export function notFound(what: string): ScimError {
  return new ScimError(404, null, 'scim.not_found', `There is no such ${what}.`);
}

/** RFC 7644 §3.14: the resource is another version than the client knows. */
export function versionDiffers(): ScimError {
  return new ScimError(
    412,
    null,
    'scim.version_differs',
    'The resource has been changed since: read it, and try again.',
  );
}

/** One of the last who hold a privileged role would have lost it: operators are told. */
export class LastAdminRefused extends ScimError {
  readonly userId: UserId;

  constructor(userId: UserId, roles: readonly string[]) {
    const which = roles.length === 0 ? '' : ` (${roles.join(', ')})`;
    super(
      403,
      null,
      'scim.last_admin',
      `This user is one of the last two who hold a privileged role${which}: give it to somebody else first.`,
    );
    this.name = 'LastAdminRefused';
    this.userId = userId;
  }
}

/** What may not be done to somebody's access, and who may. */
export function accessRefused(
  code: string,
  user: Pick<User, 'id'> | null = null,
  roles: readonly string[] = [],
): ScimError {
  if (code === 'last_admin' && user !== null) return new LastAdminRefused(user.id, roles);
  switch (code) {
    case 'protected':
      return new ScimError(
        403,
        null,
        'scim.protected',
        'This user is protected: only an administrator of this service can end this access.',
      );
    case 'other_cause':
      return new ScimError(
        403,
        null,
        'scim.other_cause',
        'An administrator of this service has ended this access, and alone may give it back.',
      );
    case 'not_owned':
      return new ScimError(
        409,
        null,
        'scim.not_owned',
        'This user is not managed over SCIM: an administrator of this service can hand them over.',
      );
    case 'ambiguous':
      return badRequest('uniqueness', 'Several users have this externalId.');
    case 'subject_taken':
      return badRequest('uniqueness', 'Another user has this externalId.');
    default:
      return new ScimError(409, null, 'scim.refused', 'This change cannot be made now.', {
        received: code,
      });
  }
}

function notOpenYet(): ScimError {
  const sentence = 'The identity provider of this connection is not known yet: try again.';
  return new ScimError(503, null, 'scim.connection_opening', sentence);
}

/** What of a client's is taken already, by the name of the rule in the database. */
const TAKEN: Readonly<Record<string, string>> = {
  scim_users_connection_id_user_name_key_key: 'Another user has this userName.',
  scim_users_connection_id_external_id_key: 'Another user has this externalId.',
  users_connection_id_subject_key: 'Another user has this externalId.',
  scim_users_pkey: 'This user is known over SCIM already.',
  scim_groups_connection_id_display_name_key_key: 'Another group has this displayName.',
};

/** 23505 unique_violation, 23503 foreign_key_violation (PostgreSQL, Appendix A). */
export function asScimError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  if (error.code === '23505' && 'constraint' in error) {
    const sentence = TAKEN[String(error.constraint)];
    return sentence === undefined ? error : badRequest('uniqueness', sentence);
  }
  if (error.code === '23503' && 'constraint' in error) {
    // The row of a connection is made when its identity provider is first known.
    if (String(error.constraint).endsWith('connection_id_fkey')) return notOpenYet();
    return badRequest('invalidValue', 'Somebody who was named is no user any more.');
  }
  return error;
}
