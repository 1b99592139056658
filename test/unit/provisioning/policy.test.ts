import { provisioningPolicy } from '@rollcall/jit-auth/provisioning/policy';
import { validateConfig } from '@rollcall/shared/config/load';
import type { Config, ConfigInput, ConnectionConfig } from '@rollcall/shared/config/types';
import { privilegedRoles } from '@rollcall/shared/core/roles';
import { expect, it } from 'vitest';

function readConfig(): Promise<Config> | Config {
  const config = {
    version: 1,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      {
        id: 'acme',
        idp: { metadata_url: 'https://idp.acme.example/metadata' },
        subject: { attribute: 'uid' },
        directory_id: { attribute: 'oid' },
        domains: ['acme.example'],
        attributes: { email: 'mail', groups: ['groups', 'memberOf'] },
      },
      {
        id: 'globex',
        idp: { metadata_url: 'https://idp.globex.example/metadata' },
        subject: { name_id: 'persistent' },
      },
    ],
    roles: [
      { role: 'analyst', when: { any_group: ['BI'] } },
      { role: 'admin', privileged: true, when: { any_group: ['Admins'] }, from: ['acme'] },
    ],
    default_role: 'analyst',
    protect: ['acme:root:1', 'globex:other'],
  };
  return validateConfig(config as ConfigInput, { env: { SESSION_KEY: 'x'.repeat(40) } });
}

function connectionOf(config: Config, id: string): ConnectionConfig {
  const found = config.connections.find((connection) => connection.id === id);
  if (found === undefined) throw new Error(`no connection ${id}`);
  return found;
}

it('says of a connection what the configuration says of it, and nothing of another', async () => {
  const config = await readConfig();
  expect(provisioningPolicy(config, connectionOf(config, 'acme'))).toMatchObject({
    connectionId: 'acme',
    subject: { kind: 'attribute', attribute: 'uid' },
    directoryIdAttribute: 'oid',
    attributes: { email: 'mail', groups: ['groups', 'memberOf'] },
    domains: ['acme.example'],
    defaultRole: 'analyst',
    protectedSubjects: new Set(['root:1']),
  });
  expect(provisioningPolicy(config, connectionOf(config, 'globex'))).toMatchObject({
    subject: { kind: 'name_id' },
    directoryIdAttribute: null,
    domains: [],
    protectedSubjects: new Set(['other']),
  });
});

it('knows which roles are privileged', async () => {
  expect(privilegedRoles((await readConfig()).roles)).toEqual(new Set(['admin']));
});
