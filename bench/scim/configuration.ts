import { readConfig } from '@rollcall/shared/config/load';
import type { Config } from '@rollcall/shared/config/types';
import { LARGE_GROUP } from './people.ts';

export const KEY = 'a session key that is only for measuring, 0123456789';

/** One connection whose people come over SCIM, and rules by which one group gives a role. */
export function benchConfig(): Promise<Config> {
  const config = {
    version: 1 as const,
    public_url: 'https://auth.example.com',
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      {
        id: 'acme',
        idp: { metadata_url: 'https://idp.example/metadata' },
        subject: { attribute: 'uid' },
        attributes: { email: 'email', groups: ['groups'] },
        provisioning: 'scim' as const,
      },
    ],
    roles: [
      { role: 'analyst', when: { any_group: [LARGE_GROUP] } },
      { role: 'editor', when: { attributes: { roles: 'editor' } } },
      { role: 'admin', privileged: true, when: { any_group: ['BI-Admins'] }, from: ['acme'] },
    ],
  };
  return readConfig(config, {});
}
