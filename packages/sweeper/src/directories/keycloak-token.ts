import { DirectoryError } from './directory-error.ts';

/** What an access token of Keycloak says of its bearer. Missing claims are null. */
export interface TokenClaims {
  readonly iss: string | null;
  readonly sub: string | null;
  readonly azp: string | null;
  /** Roles of the client `realm-management`; null in lightweight tokens, which list none. */
  readonly roles: readonly string[] | null;
}

/** Of realm-management; contains query-users and query-groups. */
const NEEDED_ROLE = 'view-users';

/**
 * Reads the claims of a token that we were given for our own use. Its signature
 * does not matter here: it came from the token endpoint and nothing is granted by it.
 */
export function readClaims(token: string): TokenClaims {
  const claims = decode(token.split('.')[1] ?? '');
  const management = objectIn(objectIn(claims, 'resource_access'), 'realm-management');
  const roles: unknown = management === null ? null : Reflect.get(management, 'roles');
  return {
    iss: textIn(claims, 'iss'),
    sub: textIn(claims, 'sub'),
    azp: textIn(claims, 'azp'),
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string').sort() : null,
  };
}

/**
 * Refuses a service account that is told half the truth: with query-users but
 * without view-users Keycloak answers 200 with an empty listing, and "User not
 * found" for strangers. Throws `DirectoryError` with the fault `forbidden`.
 */
export function checkRoles({ roles }: TokenClaims): void {
  if (roles === null || roles.includes(NEEDED_ROLE)) return;
  throw new DirectoryError(
    'forbidden',
    `Expected the service account to have the role ${NEEDED_ROLE} of realm-management, ` +
      `received ${roles.length === 0 ? 'none' : roles.join(', ')}.`,
  );
}

function decode(payload: string): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function objectIn(fields: object | null, name: string): object | null {
  const value: unknown = fields === null ? null : Reflect.get(fields, name);
  return typeof value === 'object' ? value : null;
}

function textIn(fields: object | null, name: string): string | null {
  const value: unknown = fields === null ? null : Reflect.get(fields, name);
  return typeof value === 'string' ? value : null;
}
