import { createHmac } from 'node:crypto';
import { AppError } from '../core/errors.ts';

/** What is signed: Standard Webhooks, "Signature scheme". */
export interface SignedPart {
  /** The same at every attempt. Without a dot, which would let one be read for another. */
  readonly id: string;
  /** Of the attempt, in seconds since 1970. */
  readonly timestamp: number;
  /** Exactly as it is sent. */
  readonly body: string;
}

const PREFIX = 'whsec_';
/** Standard Webhooks: a secret has 24 to 64 random bytes. */
const [FEWEST_BYTES, MOST_BYTES] = [24, 64];
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const SECRET_FORM = `${PREFIX} and ${FEWEST_BYTES} to ${MOST_BYTES} bytes in base64`;

/**
 * Reads a signing secret, `whsec_…`.
 * Throws `webhook.bad_secret`, which names the reference and never the value.
 *
 * @param shown the reference by which the configuration names it.
 */
export function readSigningSecret(text: string, shown: string): Buffer {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '';
  const key = Buffer.from(encoded, 'base64');
  // Node reads base64 leniently: what is not written as it would write it is a slip.
  const exact = key.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '');
  if (BASE64.test(encoded) && exact && key.length >= FEWEST_BYTES && key.length <= MOST_BYTES) {
    return key;
  }
  const sentence = `The secret ${shown} is no webhook secret: expected ${SECRET_FORM}.`;
  throw new AppError('webhook.bad_secret', sentence, {
    detail: { reference: shown, expected: SECRET_FORM },
  });
}

/**
 * The three headers of Standard Webhooks. Every secret signs, so that whoever receives it
 * may still have the old one while it is being changed.
 */
export function signatureHeaders(
  { id, timestamp, body }: SignedPart,
  keys: readonly Buffer[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const signatures = keys.map((key) => {
    const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8');
    return `v1,${mac.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signatures.join(' '),
  };
}
