import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import type { LookupFunction } from 'node:net';
import { wordsOf } from '@rollcall/shared/core/errors';
import { toEpochMs } from '@rollcall/shared/core/time';
import type { AskedClock } from './clock.ts';
import type { Patient } from './patient.ts';

/** What an address answered. */
export interface HttpAnswer {
  readonly status: number;
  /** The first part of the body. */
  readonly text: string;
  /** The Date header (RFC 9110 §6.6.1) with our clock before and after; null where it has none. */
  readonly clock: AskedClock | null;
}

/** Why an address did not answer, for people. */
export interface NoAnswer {
  /** Such as `CERT_HAS_EXPIRED: certificate has expired`. */
  readonly why: string;
  /** Somebody answered, and could not be trusted over TLS. */
  readonly tls: boolean;
}

const TIMEOUT_MS = 5_000;
const MOST_BYTES = 256 * 1024;
/** The codes of OpenSSL's and Node's complaints about a peer. */
const TLS =
  /^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|INVALID_CA|EPROTO)/;

/**
 * Asks an address once, without following a redirect. Never throws.
 *
 * @param lookup how its name becomes an address; the system's way where left out.
 */
export async function askAddress(
  url: string,
  clock: Patient['clock'],
  lookup?: LookupFunction,
): Promise<HttpAnswer | NoAnswer> {
  const before = clock();
  try {
    const response = await send(new URL(url), lookup);
    const after = clock();
    const text = await readStart(response);
    const date = Date.parse(response.headers.date ?? '');
    const said = Number.isNaN(date) ? null : toEpochMs(date);
    return {
      status: response.statusCode ?? 0,
      text,
      clock: said === null ? null : { before, after, said, grainMs: 1_000 },
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const words = wordsOf(error);
    const why = code === '' || words.includes(code) ? words : `${code}: ${words}`;
    return { why, tls: TLS.test(code) };
  }
}

function send(url: URL, lookup: LookupFunction | undefined): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestSecure : requestPlain;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const options = { agent: false, signal, ...(lookup === undefined ? {} : { lookup }) };
  return new Promise((resolve, reject) => {
    request(url, options)
      .on('response', resolve)
      .on('error', (error) => reject(signal.aborted ? new Error(LATE) : error))
      .end();
  });
}

const LATE = `no answer within ${TIMEOUT_MS / 1000} s`;

async function readStart(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) break;
  }
  response.destroy();
  return Buffer.concat(chunks).toString('utf8');
}
