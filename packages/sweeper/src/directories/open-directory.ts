import type { SecretReference } from '@rollcall/shared/config/secrets';
import type { DirectoryConfig } from '@rollcall/shared/config/types';
import {
  byFederatedToken,
  byPrivateKey,
  type ClientAuthentication,
} from './client-authentication.ts';
import { entraDirectory } from './entra.ts';
import { keycloakDirectory } from './keycloak.ts';
import { ldapOptions } from './ldap/options.ts';
import { ldapDirectory } from './ldap.ts';
import { oktaDirectory } from './okta.ts';
import type { Pace } from './pace.ts';
import type { Directory } from './port.ts';
import { rosterDirectory } from './roster/roster.ts';
import { scimDirectory } from './scim.ts';

/**
 * Opens the directory of a connection; null where it has none to ask. Nothing is
 * sent yet.
 *
 * @param secret reads the secret behind a reference; called late and again after
 * a refusal, so that rotated secrets are picked up.
 * @param pace waited for before each request, where the directory is asked in company.
 */
export function openDirectory(
  config: DirectoryConfig,
  secret: (reference: SecretReference) => Promise<string>,
  pace: Pace | null = null,
): Directory | null {
  switch (config.type) {
    case 'scim': {
      const { url, assignmentGroup, timeoutMs, pageSize } = config;
      const token = (): Promise<string> => secret(config.token);
      return scimDirectory({ url, token, assignmentGroup, timeoutMs, pageSize, pace });
    }
    case 'keycloak': {
      const { url, realm, clientId, groupNames, timeoutMs } = config;
      const clientSecret = (): Promise<string> => secret(config.clientSecret);
      const client = { clientId, clientSecret };
      return keycloakDirectory({ url, realm, ...client, groupNames, timeoutMs, pace });
    }
    case 'roster': {
      const { token, type: _, ...rest } = config;
      return rosterDirectory({ ...rest, token: token === null ? null : () => secret(token) });
    }
    case 'ldap':
      return ldapDirectory(ldapOptions(config, () => secret(config.password), pace));
    case 'entra':
      return entraDirectory({ ...config, authenticate: authenticateEntra(config, secret), pace });
    case 'okta':
      return oktaDirectory({ ...config, privateKey: () => secret(config.privateKey), pace });
    case 'none':
      return null;
    default:
      return config satisfies never;
  }
}

function authenticateEntra(
  { clientId, credential }: Extract<DirectoryConfig, { type: 'entra' }>,
  secret: (reference: SecretReference) => Promise<string>,
): ClientAuthentication {
  if (credential.kind === 'federated') {
    return byFederatedToken(clientId, () => secret(credential.token));
  }
  return byPrivateKey(clientId, {
    privateKey: () => secret(credential.privateKey),
    certificate: () => secret(credential.certificate),
    keyId: null,
    algorithm: 'PS256',
  });
}
