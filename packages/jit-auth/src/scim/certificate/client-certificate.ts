import { X509Certificate } from 'node:crypto';
import type { ClientCertificateForm } from '@rollcall/shared/config/types';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { type DistinguishedName, readName } from './distinguished-name.ts';
import { readNearestElement } from './xfcc.ts';

/** The certificate with which a client came to the proxy, which has verified it. */
export interface ClientCertificate {
  /** SHA-256 over the DER form, in lower-case hexadecimal. */
  readonly thumbprint: string;
  /** Null: the proxy does not say. */
  readonly subject: DistinguishedName | null;
  /** From and to; null: the proxy does not say. */
  readonly validity: readonly [EpochMs, EpochMs] | null;
}

/** RFC 9440 §2.2: one Byte Sequence (RFC 8941 §3.3.5). */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const PEM = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----$/;
const THUMBPRINT = /^[0-9a-f]{64}$/;

/**
 * Reads what a proxy wrote, in the form that the configuration says it writes:
 *
 * - `rfc9440`: `Client-Cert`, DER in base64 between colons;
 * - `pem`: PEM, percent-encoded (nginx `$ssl_client_escaped_cert`, AWS `X-Amzn-Mtls-Clientcert-Leaf`);
 * - `der`: DER in base64 (Traefik's `X-Forwarded-Tls-Client-Cert`, with issuers behind commas;
 *   HAProxy, Caddy);
 * - `xfcc`: Envoy's `x-forwarded-client-cert`, its last element.
 *
 * Null for everything else: a header that cannot be read names nobody. Never throws.
 */
export function readClientCertificate(
  header: string,
  form: ClientCertificateForm,
): ClientCertificate | null {
  const text = header.trim();
  switch (form) {
    case 'rfc9440':
      return fromBase64(BYTE_SEQUENCE.exec(text)?.[1]);
    case 'pem':
      return fromPem(text);
    case 'der':
      // The client's own comes first (Traefik, in the order of TLS 1.3, RFC 8446 §4.4.2).
      return fromBase64(percentDecoded(text)?.split(',')[0]?.trim());
    case 'xfcc':
      return fromXfcc(text);
    default:
      return form satisfies never;
  }
}

function fromPem(text: string): ClientCertificate | null {
  const body = PEM.exec((percentDecoded(text) ?? '').trim())?.[1];
  return fromBase64(body?.replace(/\s/g, ''));
}

function fromBase64(body: string | undefined): ClientCertificate | null {
  if (body === undefined || !BASE64.test(body)) return null;
  try {
    const certificate = new X509Certificate(Buffer.from(body, 'base64'));
    return {
      thumbprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: readName(certificate.subject ?? ''),
      validity: [
        toEpochMs(certificate.validFromDate.getTime()),
        toEpochMs(certificate.validToDate.getTime()),
      ],
    };
  } catch {
    return null;
  }
}

function fromXfcc(text: string): ClientCertificate | null {
  const element = readNearestElement(text);
  if (element === null) return null;
  const [hash, pem, subject] = ['hash', 'cert', 'subject'].map((key) => element.get(key));
  const thumbprint = hash?.toLowerCase() ?? '';
  if (pem === undefined) {
    if (!THUMBPRINT.test(thumbprint)) return null;
    return { thumbprint, subject: readName(subject ?? ''), validity: null };
  }
  const certificate = fromPem(pem);
  return hash === undefined || certificate?.thumbprint === thumbprint ? certificate : null;
}

/** `+` stands for itself, as in base64: nothing here is a form. */
function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
