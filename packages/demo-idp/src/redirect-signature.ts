import { createPublicKey, sign, verify } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

/** Which of the two parameters carries a message. */
export type MessageParameter = 'SAMLRequest' | 'SAMLResponse';

/** The address that carries a signed message (SAML Bindings §3.4.4.1). */
export function signRedirect(
  location: string,
  parameter: MessageParameter,
  xml: string,
  relayState: string | undefined,
  key: string,
): string {
  const message = deflateRawSync(Buffer.from(xml, 'utf8')).toString('base64');
  const fields = [
    [parameter, message],
    ...(relayState === undefined ? [] : [['RelayState', relayState]]),
    ['SigAlg', RSA_SHA256],
  ];
  const query = fields
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
    .join('&');
  const signature = sign('sha256', Buffer.from(query), key).toString('base64');
  const separator = location.includes('?') ? '&' : '?';
  return `${location}${separator}${query}&Signature=${encodeURIComponent(signature)}`;
}

/**
 * Whether one of the certificates has signed the query, exactly as it came. A parameter
 * that comes twice is signed by nobody.
 */
export function isSignedRedirect(
  query: string,
  parameter: MessageParameter,
  certificates: readonly string[],
): boolean {
  const parts = query.split('&');
  const find = (name: string): string | undefined => {
    const found = parts.filter((part) => part.startsWith(`${name}=`));
    return found.length === 1 ? found[0] : undefined;
  };
  const message = find(parameter);
  const algorithm = find('SigAlg');
  const signature = find('Signature');
  if (message === undefined || algorithm === undefined || signature === undefined) return false;
  if (algorithm !== `SigAlg=${encodeURIComponent(RSA_SHA256)}`) return false;
  const signed = [message, find('RelayState'), algorithm].filter((part) => part !== undefined);
  const value = Buffer.from(decodeURIComponent(signature.slice('Signature='.length)), 'base64');
  const bytes = Buffer.from(signed.join('&'));
  return certificates.some((certificate) =>
    verify('sha256', bytes, createPublicKey(certificate), value),
  );
}
