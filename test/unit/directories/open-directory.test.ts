import type { SecretReference } from '@rollcall/shared/config/secrets';
import { openDirectory } from '@rollcall/sweeper/directories/open-directory';
import { expect, it } from 'vitest';
import { json, ScriptedServer } from '../../conformance/directories/scripted-server.ts';
import { listingError } from '../../conformance/directory-contract.ts';

const REFERENCE: SecretReference = { kind: 'env', name: 'DIRECTORY_SECRET' };

it('opens nothing where there is nobody to ask', () => {
  expect(openDirectory({ type: 'none' }, async () => 'unused')).toBeNull();
});

it('sends the secret behind the reference, and nothing before it is asked', async () => {
  const server = await ScriptedServer.start(() => json(403, {}));
  const read: SecretReference[] = [];
  const secret = async (reference: SecretReference): Promise<string> => {
    read.push(reference);
    return 'from-the-vault';
  };
  const common = { url: server.url, timeoutMs: 1_000, concurrency: 4, requestsPerSecond: null };
  const scim = openDirectory(
    { ...common, type: 'scim', token: REFERENCE, assignmentGroup: null, pageSize: 200 },
    secret,
  );
  const keycloak = openDirectory(
    {
      ...common,
      type: 'keycloak',
      realm: 'a b',
      clientId: 'c',
      clientSecret: REFERENCE,
      groupNames: 'name',
    },
    secret,
  );
  expect([scim?.type, keycloak?.type]).toEqual(['scim', 'keycloak']);
  expect(read).toEqual([]);
  expect(server.requests).toEqual([]);
  expect((await listingError(scim!)).fault).toBe('forbidden');
  expect(server.requests.at(-1)?.authorization).toBe('Bearer from-the-vault');
  expect((await listingError(keycloak!)).fault).toBe('forbidden');
  expect(server.requests.at(-1)?.path).toBe('/realms/a b/protocol/openid-connect/token');
  expect(server.requests.at(-1)?.form.get('client_secret')).toBe('from-the-vault');
  expect(read).toEqual([REFERENCE, REFERENCE]);
  await server.close();
});
