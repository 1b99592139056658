import { personOf, type User } from '@rollcall/shared/core/user';
import type { SessionReading } from '@rollcall/shared/db/sessions';

/** Who is signed in, as a host app and `GET /session` see them. */
export interface SignedInUser {
  /** Ours. The same by whichever connection somebody signs in, where records are joined. */
  readonly id: string;
  /** The immutable id by which the connection names the person. */
  readonly subject: string;
  readonly email: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly roles: readonly string[];
  /** Names of groups as last seen; empty where none or not known. */
  readonly groups: readonly string[];
  readonly connection: string;
}

declare global {
  namespace Express {
    // Express and passport leave this interface open for the host to fill.
    interface User extends SignedInUser {}
    interface Request {
      user?: User | undefined;
    }
  }
}

/** What of a live session is shown outside. */
export function signedInUser(reading: Extract<SessionReading, { kind: 'live' }>): SignedInUser {
  return viewOf(reading.user, reading.roles);
}

/** What of a user is shown outside, with the roles held now. */
export function viewOf(user: User, roles: readonly string[]): SignedInUser {
  return {
    id: personOf(user),
    subject: user.subject,
    ...user.profile,
    roles,
    groups: user.groups ?? [],
    connection: user.connectionId,
  };
}
