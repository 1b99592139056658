import { verify } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import type { AllowedAlgorithms } from '../algorithms.ts';
import { decodeBase64, decodeUtf8 } from '../raw-response.ts';
import { refuse, SamlRefusal } from '../refusal.ts';
import type { SigningKey } from '../signing-keys.ts';

/** Which of the two messages a request carries. */
export type MessageName = 'SAMLRequest' | 'SAMLResponse';

/** A message whose signature one of the pinned keys has made. */
export interface SignedMessage {
  readonly name: MessageName;
  readonly xml: string;
  /** As the identity provider sent it; null where it sent none. */
  readonly relayState: string | null;
}

/** Whose signatures count, and by which algorithms. */
export interface QueryTerms {
  readonly signingKeys: readonly SigningKey[];
  readonly allowed: AllowedAlgorithms;
}

/** The longest query, in characters: what Node takes of a request's head at most. */
const MAX_QUERY = 16 * 1024;
/** The largest message, in bytes, after inflating: names, and a few session indexes. */
export const MAX_LOGOUT_BYTES = 64 * 1024;

const NAMES = ['SAMLRequest', 'SAMLResponse', 'RelayState', 'SigAlg', 'Signature'] as const;
type Name = (typeof NAMES)[number];
type Parameters = ReadonlyMap<Name, string>;

/** RFC 3986 §3.4, without what has a meaning of its own in a form. */
const VALUE = /^(?:[A-Za-z0-9\-._~!$'()*,;:@/?+]|%[0-9A-Fa-f]{2})*$/;

/**
 * Takes a signed message out of the query of the redirect binding (SAML Bindings §3.4.4.1).
 * The signature is over the very characters that came, in the order that the
 * specification gives, whatever the order was. Names are exact: one that is written
 * otherwise, comes twice or is not of the binding could be read differently by whoever
 * verifies and whoever processes. Throws a {@link SamlRefusal}.
 *
 * @param query what follows the `?`, exactly as it was received.
 */
export function verifyRedirectQuery(query: string, terms: QueryTerms): SignedMessage {
  const parameters = splitQuery(query);
  const name = requireOneMessage(parameters);
  const message = parameters.get(name) ?? '';
  verifySignature(parameters, name, terms);
  const relayState = parameters.get('RelayState');
  return {
    name,
    xml: inflate(decodeBase64(decode(message))),
    relayState: relayState === undefined ? null : decode(relayState),
  };
}

function splitQuery(query: string): Parameters {
  if (query.length > MAX_QUERY) {
    throw refuse('saml.too_large', `at most ${MAX_QUERY} characters`, `${query.length}`);
  }
  const parameters = new Map<Name, string>();
  for (const part of query.split('&')) {
    const equals = part.indexOf('=');
    const written = equals < 0 ? part : part.slice(0, equals);
    const name = NAMES.find((one) => one === written);
    if (name === undefined || equals < 0) {
      throw refuse('saml.logout_query_malformed', `only ${NAMES.join(', ')}`, written);
    }
    if (parameters.has(name)) {
      throw refuse('saml.logout_query_malformed', `${name} once`, 'twice');
    }
    const value = part.slice(equals + 1);
    if (!VALUE.test(value)) {
      throw refuse('saml.logout_query_malformed', `${name}, percent-encoded`, 'other characters');
    }
    parameters.set(name, value);
  }
  return parameters;
}

function requireOneMessage(parameters: Parameters): MessageName {
  const names = (['SAMLRequest', 'SAMLResponse'] as const).filter((name) => parameters.has(name));
  const [name, second] = names;
  if (second !== undefined) {
    throw refuse('saml.logout_query_malformed', 'SAMLRequest or SAMLResponse', 'both');
  }
  if (name === undefined || parameters.get(name) === '') {
    throw refuse('saml.logout_message_missing', 'SAMLRequest or SAMLResponse', 'neither');
  }
  return name;
}

function verifySignature(
  parameters: Parameters,
  name: MessageName,
  { signingKeys, allowed }: QueryTerms,
): void {
  const [algorithm, signature] = [parameters.get('SigAlg'), parameters.get('Signature')];
  if (!algorithm || !signature) {
    throw refuse('saml.logout_not_signed', 'SigAlg and Signature', 'none');
  }
  const hash = hashOf(decode(algorithm), allowed);
  const signed = ([name, 'RelayState', 'SigAlg'] as const)
    .filter((one) => parameters.has(one))
    .map((one) => `${one}=${parameters.get(one)}`)
    .join('&');
  const value = decodeBase64(decode(signature).replaceAll(/[\r\n]/g, ''));
  const bytes = Buffer.from(signed, 'ascii');
  if (signingKeys.some(({ key }) => verify(hash, bytes, key, value))) return;
  throw refuse('saml.signature_invalid', `one of ${signingKeys.length} pinned keys`, 'another key');
}

function hashOf(algorithm: string, allowed: AllowedAlgorithms): string {
  if (!allowed.signature.includes(algorithm)) {
    throw refuse('saml.algorithm_not_allowed', allowed.signature, algorithm);
  }
  if (algorithm.endsWith('sha512')) return 'sha512';
  return algorithm.endsWith('sha1') ? 'sha1' : 'sha256';
}

/** Raw DEFLATE of a bounded size, and nothing behind its end. */
function inflate(deflated: Buffer): string {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    inflated = inflateRawSync(deflated, { maxOutputLength: MAX_LOGOUT_BYTES, info: true }) as never;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : 'an error';
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw refuse('saml.too_large', `at most ${MAX_LOGOUT_BYTES} bytes`, 'more');
    }
    const detail = { expected: 'raw DEFLATE', received: code };
    throw new SamlRefusal('saml.logout_not_inflatable', detail, cause);
  }
  if (inflated.engine.bytesWritten !== deflated.length) {
    throw refuse('saml.logout_not_inflatable', 'nothing behind the end', 'more bytes');
  }
  return decodeUtf8(inflated.buffer);
}

/** A form writes a blank as `+`; nothing else of a form is let in by {@link VALUE}. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '));
  } catch (cause) {
    const detail = { expected: 'percent-encoded UTF-8', received: 'other bytes' };
    throw new SamlRefusal('saml.logout_query_malformed', detail, cause);
  }
}
