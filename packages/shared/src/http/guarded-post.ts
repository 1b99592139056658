import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { AppError, wordsOf } from '../core/errors.ts';
import { guardedLookup, LOOPBACK_NAMES, type Resolver } from './public-address.ts';

/** Where something is posted, and what of it is allowed. */
export interface PostPlace {
  readonly url: URL;
  /** Addresses of this machine and of private networks are allowed. */
  readonly allowPrivate: boolean;
  /** http is allowed, and not only to what is written as this machine. */
  readonly allowHttp: boolean;
  /** How names become addresses; the system's way where left out. */
  readonly resolve?: Resolver;
}

/** What is posted. */
export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  /** In UTF-8, exactly as it is signed. */
  readonly body: string;
}

/** What was answered. The body is read, and forgotten. */
export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** Answers are of no interest but for their status: what is longer is cut off. */
const MOST_ANSWER_BYTES = 64 * 1024;

/**
 * Posts to an address that a configuration names, and reads the answer. No redirect is
 * followed: whoever is told was chosen by name. No proxy is used. Each request has a
 * connection of its own: one that was kept open was checked for another name.
 *
 * Throws `webhook.not_https`, `webhook.private_address` and `webhook.unreachable`. The path
 * and the query of the URL, which may be a secret, are in none of them.
 *
 * @param signal ends it early, whatever it waits for.
 */
export async function postGuarded(
  place: PostPlace,
  post: Post,
  signal: AbortSignal,
): Promise<PostAnswer> {
  requireTransport(place);
  try {
    const response = await send(place, post, signal);
    try {
      await drain(response);
      const retryAfter = response.headers['retry-after'] ?? null;
      return { status: response.statusCode ?? 0, retryAfter };
    } finally {
      response.destroy();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    // The words of Node's errors name host and port at most.
    const received = signal.aborted ? 'no answer in time' : wordsOf(error);
    throw failed('webhook.unreachable', place.url, 'an answer', received);
  }
}

/** Whether a URL may be used: https, or http to this machine, or http where that is allowed. */
export function isAllowedTransport(url: URL, allowHttp: boolean): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && (allowHttp || LOOPBACK_NAMES.has(url.hostname));
}

function requireTransport({ url, allowHttp }: PostPlace): void {
  if (isAllowedTransport(url, allowHttp)) return;
  throw failed('webhook.not_https', url, 'https, or allow_http: true', url.protocol);
}

function send(place: PostPlace, { headers, body }: Post, signal: AbortSignal) {
  const { url, allowPrivate } = place;
  const lookup = guardedLookup(url, { allowPrivate }, notAllowed, place.resolve);
  const request = url.protocol === 'https:' ? requestSecure : requestPlain;
  const bytes = Buffer.from(body, 'utf8');
  const all = { ...headers, 'content-length': String(bytes.byteLength) };
  return new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method: 'POST', agent: false, lookup, signal, headers: all })
      .on('response', resolve)
      .on('error', reject)
      .end(bytes);
  });

  function notAllowed(_hostname: string, address: string): Error {
    const expected = 'a public address, or allow_private: true';
    return failed('webhook.private_address', url, expected, address);
  }
}

/**
 * So that whoever answers is not cut off in it; no further than is sensible. The status
 * counts, whatever becomes of the rest.
 */
async function drain(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > MOST_ANSWER_BYTES) return;
    }
  } catch {
    return;
  }
}

function failed(code: string, { host }: URL, expected: string, received: string): AppError {
  const sentence = `${host}: expected ${expected}, received ${received}`;
  return new AppError(code, sentence, { detail: { host, expected, received } });
}
