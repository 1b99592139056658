import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { importPKCS8, SignJWT } from 'jose';
import { readSecret } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';

/** Proves to a token endpoint who we are: fields and headers of one request for a token. */
export type ClientAuthentication = (tokenUrl: URL) => Promise<{
  readonly form: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}>;

/** Reads a secret behind a reference. */
type Read = () => Promise<string>;

/** RFC 6749 §2.3.1: id and secret in the form. */
export function bySecret(clientId: string, secret: Read): ClientAuthentication {
  return async () => ({
    form: { client_id: clientId, client_secret: await readSecret(secret, 'client secret') },
  });
}

/** RFC 6749 §2.3.1: id and secret by HTTP Basic, each form-encoded first. */
export function byBasic(clientId: string, secret: Read): ClientAuthentication {
  return async () => {
    const parts = [clientId, await readSecret(secret, 'client secret')].map(encodeURIComponent);
    const authorization = `Basic ${Buffer.from(parts.join(':')).toString('base64')}`;
    return { form: {}, headers: { authorization } };
  };
}

/** What a client assertion is signed with, and how it says so. */
export interface AssertionKey {
  /** PKCS#8 in PEM. */
  readonly privateKey: Read;
  /** `kid` of the header; null: none. */
  readonly keyId: string | null;
  readonly algorithm: 'RS256' | 'PS256' | 'ES256';
  /** The certificate in PEM whose thumbprint names the key (`x5t#S256`); null: none. */
  readonly certificate?: Read | null;
}

/** An assertion lives for so long, in seconds. */
const ASSERTION_S = 120;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * RFC 7523 §2.2 (`private_key_jwt`): a statement for this token endpoint alone, signed
 * with our key, of two minutes, with an id of its own. Throws `DirectoryError` where the
 * key cannot be read; no message quotes it.
 *
 * @param clientId issuer and subject of the statement.
 * @param audience of the statement; the token endpoint where it is left out.
 */
export function byPrivateKey(
  clientId: string,
  key: AssertionKey,
  audience: string | null = null,
): ClientAuthentication {
  return async (tokenUrl) => {
    const header = {
      alg: key.algorithm,
      typ: 'JWT',
      ...(key.keyId === null ? {} : { kid: key.keyId }),
      ...(await thumbprintOf(key)),
    };
    const assertion = await new SignJWT({})
      .setProtectedHeader(header)
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience ?? tokenUrl.href)
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime(`${ASSERTION_S}s`)
      .sign(await importKey(key));
    return { form: assertionForm(clientId, assertion) };
  };
}

/** RFC 7523 §2.2 with a statement that somebody else signed, such as a workload's own token. */
export function byFederatedToken(clientId: string, token: Read): ClientAuthentication {
  return async () => ({
    form: assertionForm(clientId, await readSecret(token, 'federated token')),
  });
}

function assertionForm(clientId: string, assertion: string): Record<string, string> {
  return {
    client_id: clientId,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
  };
}

async function importKey({ privateKey, algorithm }: AssertionKey): Promise<CryptoKey> {
  const pem = await readText(privateKey, 'private key');
  try {
    return await importPKCS8(pem, algorithm);
  } catch {
    // What the parser says may hold pieces of the key.
    throw new DirectoryError(
      'unauthorized',
      `The private key cannot be used: expected PKCS#8 in PEM ("BEGIN PRIVATE KEY") for ${algorithm}.`,
    );
  }
}

/** RFC 7515 §4.1.8. */
async function thumbprintOf({ certificate = null }: AssertionKey): Promise<Record<string, string>> {
  if (certificate === null) return {};
  const pem = await readText(certificate, 'certificate');
  try {
    const { raw } = new X509Certificate(pem);
    return { 'x5t#S256': createHash('sha256').update(raw).digest('base64url') };
  } catch {
    throw new DirectoryError(
      'unauthorized',
      'The certificate cannot be used: expected one in PEM ("BEGIN CERTIFICATE").',
    );
  }
}

/** As `readSecret`, for what has several lines. */
async function readText(read: Read, what: string): Promise<string> {
  let text = '';
  await readSecret(async () => {
    text = await read();
    return 'read';
  }, what);
  return text;
}
