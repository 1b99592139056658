import * as z from 'zod';
import { asking, toAsking } from '../asking.ts';
import { count, duration, flag, mapping, oneOf, patterned } from '../fields.ts';
import { secretReference } from '../references.ts';
import { apiBaseUrl } from '../urls.ts';

/** An organisation of Okta, asked who is assigned to one app. */
export function okta(baseDir: string) {
  return mapping({
    type: z.literal('okta'),
    url: apiBaseUrl('/api/'),
    app_id: oktaId('the id of the SAML app, such as 0oa1b2c3d4'),
    client_id: oktaId('the client id of the service app, such as 0oa5e6f7g8'),
    private_key: secretReference(baseDir),
    key_id: patterned(
      /^[!-~]{1,128}$/,
      'the key id that Okta shows beside the public key',
    ).optional(),
    algorithm: oneOf(['RS256', 'PS256', 'ES256']).default('RS256'),
    dpop: flag().default(false),
    groups: oneOf(['none', 'all']).default('none'),
    timeout: duration('1s', '5m').prefault('10s'),
    page_size: count(2, 500).default(500),
    ...asking(),
  }).transform((directory) => ({
    type: directory.type,
    /** The organisation, without a slash at the end. */
    url: directory.url,
    appId: directory.app_id,
    clientId: directory.client_id,
    /** PKCS#8 in PEM. */
    privateKey: directory.private_key,
    /** `kid`; null: the token request does not name the key. */
    keyId: directory.key_id ?? null,
    algorithm: directory.algorithm,
    /** Whether tokens are bound to a key of the process (RFC 9449). */
    dpop: directory.dpop,
    /** `all`: every group is read; `none`: groups are not told, and no role changes. */
    groups: directory.groups,
    timeoutMs: directory.timeout,
    pageSize: directory.page_size,
    ...toAsking(directory),
  }));
}

function oktaId(form: string) {
  return patterned(/^[A-Za-z0-9_-]{1,64}$/, form);
}
