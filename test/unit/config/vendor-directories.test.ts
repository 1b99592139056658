import { connectionSchema } from '@rollcall/shared/config/schema/connection';
import { describe, expect, it } from 'vitest';

const SHARED = { concurrency: 4, requestsPerSecond: null, timeoutMs: 10_000 };
const KEY = { kind: 'file', path: '/etc/rollcall/key.pem' };

const GUID = '8a1d2c3e-0000-4000-8000-00000000000F';

/** What is written, and what becomes of it. */
const ACCEPTED: readonly (readonly [string, object, object])[] = [
  [
    'okta',
    {
      url: 'https://acme.okta.com/',
      app_id: '0oa1',
      client_id: '0oa2',
      private_key: 'file:key.pem',
    },
    {
      ...SHARED,
      type: 'okta',
      url: 'https://acme.okta.com',
      appId: '0oa1',
      clientId: '0oa2',
      privateKey: KEY,
      keyId: null,
      algorithm: 'RS256',
      dpop: false,
      groups: 'none',
      pageSize: 500,
    },
  ],
  [
    'entra',
    {
      tenant: 'acme.onmicrosoft.com',
      app_id: GUID,
      client_id: GUID,
      certificate: 'file:key.pem',
      private_key: 'file:key.pem',
    },
    {
      ...SHARED,
      type: 'entra',
      tenant: 'acme.onmicrosoft.com',
      appId: GUID.toLowerCase(),
      clientId: GUID,
      credential: { kind: 'certificate', certificate: KEY, privateKey: KEY },
      groups: 'none',
      url: 'https://graph.microsoft.com',
      loginUrl: 'https://login.microsoftonline.com',
      pageSize: 999,
    },
  ],
];

const ENTRA = { tenant: 'acme.onmicrosoft.com', app_id: GUID, client_id: GUID };

const REFUSED: readonly (readonly [string, object, string])[] = [
  [
    'okta',
    {
      url: 'https://acme.okta.com',
      app_id: '0oa1',
      client_id: '0oa2',
      private_key: 'the key itself',
    },
    'never the secret itself',
  ],
  [
    'okta',
    { url: 'https://acme.okta.com/api/v1', app_id: 'a', client_id: 'b', private_key: 'env:K' },
    'without /api/',
  ],
  ['entra', { ...ENTRA, client_secret: 'env:S' }, 'use certificate and private_key'],
  ['entra', ENTRA, 'expected certificate with private_key, or federated_token'],
  ['entra', { ...ENTRA, certificate: 'env:C' }, 'expected certificate with private_key'],
  [
    'entra',
    { ...ENTRA, certificate: 'env:C', private_key: 'env:K', federated_token: 'env:T' },
    'and not both',
  ],
];

function parse(type: string, directory: object) {
  return connectionSchema('/etc/rollcall').safeParse({
    id: 'acme',
    idp: { metadata_url: 'https://idp.example/metadata' },
    subject: { attribute: 'uid' },
    directory: { type, ...directory },
  });
}

describe('directories of vendors in the configuration', () => {
  it.each(ACCEPTED)('%s with the least that it needs', (type, written, expected) => {
    expect(parse(type, written).data?.directory).toEqual(expected);
  });

  it.each(REFUSED)('%s refuses what it cannot use', (type, written, said) => {
    const issues = parse(type, written).error?.issues ?? [];
    expect(issues.map(({ message }) => message).join('\n')).toContain(said);
  });
});
