import { connectionSchema } from '@rollcall/shared/config/schema/connection';
import { describe, expect, it } from 'vitest';

const SHARED = { concurrency: 4, requestsPerSecond: null, timeoutMs: 10_000 };
const KEY = { kind: 'file', path: '/etc/rollcall/key.pem' };

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
];

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
