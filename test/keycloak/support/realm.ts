import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The service provider that the realm knows, and the password of its people. */
export interface RealmValues {
  readonly spEntityId: string;
  readonly acsUrl: string;
  readonly sweeperSecret: string;
}

export const REALM = 'rollcall';

/** A secret that no other run has. */
export function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** The realm of the tests as JSON, from its template; everybody is enabled and has the password. */
export async function renderRealm(values: RealmValues, password: string): Promise<string> {
  const template = await readFile(join(import.meta.dirname, 'realm.json'), 'utf8');
  const filled = template
    .replaceAll('{{SP_ENTITY_ID}}', values.spEntityId)
    .replaceAll('{{ACS_URL}}', values.acsUrl)
    .replaceAll('{{SWEEPER_SECRET}}', values.sweeperSecret);
  const realm = JSON.parse(filled) as { users: Record<string, unknown>[] };
  const users = realm.users.map((user) =>
    'serviceAccountClientId' in user
      ? user
      : {
          ...user,
          enabled: true,
          emailVerified: true,
          credentials: [{ type: 'password', value: password, temporary: false }],
        },
  );
  return JSON.stringify({ ...realm, users });
}
