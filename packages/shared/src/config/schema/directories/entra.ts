import * as z from 'zod';
import type { SecretReference } from '../../secrets.ts';
import { asking, toAsking } from '../asking.ts';
import { count, duration, mapping, oneOf, patterned } from '../fields.ts';
import { secretReference } from '../references.ts';
import { apiBaseUrl } from '../urls.ts';

/** How we prove to Microsoft Entra who we are. */
export type EntraCredential =
  | {
      readonly kind: 'certificate';
      /** In PEM. */
      readonly certificate: SecretReference;
      /** PKCS#8 in PEM. */
      readonly privateKey: SecretReference;
    }
  | {
      readonly kind: 'federated';
      /** A token that somebody else signed, read anew for each request for a token. */
      readonly token: SecretReference;
    };

/** A tenant of Microsoft Entra, asked who may use one enterprise application. */
export function entra(baseDir: string) {
  return mapping({
    type: z.literal('entra'),
    tenant: patterned(TENANT, 'the id of the tenant, or one of its domains'),
    app_id: patterned(GUID, 'the application id of the SAML app'),
    client_id: patterned(GUID, 'the application (client) id of the app registration'),
    certificate: secretReference(baseDir).optional(),
    private_key: secretReference(baseDir).optional(),
    federated_token: secretReference(baseDir).optional(),
    client_secret: z.unknown().optional(),
    groups: oneOf(['none', 'assigned']).default('none'),
    url: apiBaseUrl('/v1.0').prefault('https://graph.microsoft.com'),
    login_url: apiBaseUrl('/oauth2/').prefault('https://login.microsoftonline.com'),
    timeout: duration('1s', '5m').prefault('10s'),
    page_size: count(2, 999).default(999),
    ...asking(),
  }).transform((directory, context) => ({
    type: directory.type,
    tenant: directory.tenant,
    /** Of the enterprise application whose assignments count. */
    appId: directory.app_id.toLowerCase(),
    /** Of the app registration that asks. */
    clientId: directory.client_id,
    credential: credentialOf(directory, context),
    /** `assigned`: the groups that the app is assigned to; `none`: not told. */
    groups: directory.groups,
    /** Microsoft Graph, without a slash at the end. */
    url: directory.url,
    loginUrl: directory.login_url,
    timeoutMs: directory.timeout,
    pageSize: directory.page_size,
    ...toAsking(directory),
  }));
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TENANT = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const EITHER = 'expected certificate with private_key, or federated_token, and not both';

interface Written {
  readonly certificate?: SecretReference | undefined;
  readonly private_key?: SecretReference | undefined;
  readonly federated_token?: SecretReference | undefined;
  readonly client_secret?: unknown;
}

function credentialOf(written: Written, context: z.core.$RefinementCtx): EntraCredential {
  const { certificate, private_key: privateKey, federated_token: token } = written;
  const refuse = (message: string, path: string[]): never => {
    context.addIssue({ code: 'custom', message, path, params: { code: 'config.conflict' } });
    return z.NEVER;
  };
  if (written.client_secret !== undefined) {
    const message =
      'is refused: Microsoft gives client secrets for tests alone; use certificate and private_key, or federated_token';
    return refuse(message, ['client_secret']);
  }
  const keyed = certificate !== undefined && privateKey !== undefined;
  if (keyed && token === undefined) return { kind: 'certificate', certificate, privateKey };
  if (token !== undefined && certificate === undefined && privateKey === undefined) {
    return { kind: 'federated', token };
  }
  return refuse(EITHER, []);
}
