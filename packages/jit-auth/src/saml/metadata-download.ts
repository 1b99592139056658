import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, wordsOf } from '@rollcall/shared/core/errors';
import type { Resolver } from '@rollcall/shared/http/public-address';
import { MAX_METADATA_BYTES } from './metadata.ts';
import { lookupOfProvider } from './metadata-address.ts';
import { metadataError } from './metadata-error.ts';

/** How patient a download is; all in milliseconds but `attempts`. */
export interface Patience {
  readonly attempts: number;
  /** Wait before the second attempt; it doubles before each one after. */
  readonly firstWaitMs: number;
  /** For one attempt, from the first byte sent to the last received. */
  readonly timeoutMs: number;
}

/** Some seven seconds of waiting: long enough for an identity provider that starts beside us. */
export const USUAL_PATIENCE: Patience = { attempts: 4, firstWaitMs: 1000, timeoutMs: 10_000 };

/** By what a server tells whether our copy is still the latest (RFC 9110 §8.8). */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** What is fetched, and how. */
export interface Download {
  readonly url: string;
  /** Addresses of this machine and of private networks are allowed. */
  readonly allowPrivateAddress: boolean;
  readonly patience: Patience;
  /** Of the copy that is there already; left out where there is none. */
  readonly validators?: Validators;
  /** Ends the download early. */
  readonly signal?: AbortSignal;
  /** How names become addresses; the system's way where left out. */
  readonly resolve?: Resolver;
}

/** What the server said: new text, or that the copy is still good. */
export type Downloaded =
  | ({ readonly kind: 'fetched'; readonly xml: string } & Validators)
  | { readonly kind: 'unchanged' };

/**
 * Fetches metadata. Tries again where another attempt may help: no answer, 429,
 * 5xx. A redirect is refused, because the configuration says whom to trust; so is an
 * address that leads into a private network. No proxy is used.
 * Throws `saml.metadata_unreachable`, `saml.metadata_redirected`,
 * `saml.metadata_private_address`, `saml.metadata_too_large`.
 */
export async function downloadMetadata(download: Download): Promise<Downloaded> {
  const { attempts, firstWaitMs } = download.patience;
  for (let attempt = 1; ; attempt++) {
    try {
      return await downloadOnce(download);
    } catch (error) {
      if (attempt >= attempts || !mayPass(error) || download.signal?.aborted) throw error;
      const { signal } = download;
      await sleep(
        firstWaitMs * 2 ** (attempt - 1),
        undefined,
        signal === undefined ? {} : { signal },
      );
    }
  }
}

async function downloadOnce(download: Download): Promise<Downloaded> {
  const { url, patience } = download;
  const timeout = AbortSignal.timeout(patience.timeoutMs);
  const signals = download.signal === undefined ? [timeout] : [timeout, download.signal];
  try {
    const response = await send(download, AbortSignal.any(signals));
    try {
      return await readAnswer(response, download);
    } finally {
      // Whatever is left of it is of no use, and must not hold the socket.
      response.destroy();
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const late = `no whole answer within ${patience.timeoutMs / 1000} s`;
    throw unreachable(url, timeout.aborted ? late : wordsOf(error), true, error);
  }
}

/** One request on a connection of its own: one that was kept open was checked for another name. */
function send(download: Download, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(download.url);
  const request = url.protocol === 'https:' ? requestSecure : requestPlain;
  const rule = { allowPrivate: download.allowPrivateAddress };
  const lookup = lookupOfProvider(url, rule, download.resolve);
  const headers = { accept: ACCEPTED, ...conditionsOf(download.validators) };
  return new Promise((resolve, reject) => {
    request(url, { agent: false, lookup, signal, headers })
      .on('response', resolve)
      .on('error', reject)
      .end();
  });
}

const ACCEPTED = 'application/samlmetadata+xml, application/xml, text/xml';

/** RFC 9110 §13.1.2, §13.1.3: the second counts where the server knows no first. */
function conditionsOf(validators: Validators | undefined): Record<string, string> {
  const { etag = null, lastModified = null } = validators ?? {};
  return {
    ...(etag === null ? {} : { 'if-none-match': etag }),
    ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
  };
}

async function readAnswer(response: IncomingMessage, download: Download): Promise<Downloaded> {
  const status = response.statusCode ?? 0;
  const { url, validators } = download;
  const asked = validators !== undefined && Object.keys(conditionsOf(validators)).length > 0;
  if (status === 304 && asked) return { kind: 'unchanged' };
  if (status >= 300 && status < 400) {
    const location = response.headers.location?.split('?', 1)[0] ?? 'nowhere';
    throw metadataError('saml.metadata_redirected', 'the metadata itself', location);
  }
  if (status !== 200) throw unreachable(url, `status ${status}`, isPassing(status));
  const { 'content-encoding': encoding, etag, 'last-modified': lastModified } = response.headers;
  if (encoding !== undefined && encoding !== 'identity') {
    throw unreachable(url, `content-encoding ${encoding}, which was not asked for`, false);
  }
  const xml = await readText(response);
  return { kind: 'fetched', xml, etag: headerOf(etag), lastModified: headerOf(lastModified) };
}

const LONGEST_HEADER = 512;

/** What we would send back; null for what no server needs. */
function headerOf(value: string | undefined): string | null {
  const usable = value !== undefined && /^[\x20-\x7e]+$/.test(value);
  return usable && value.length <= LONGEST_HEADER ? value : null;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_METADATA_BYTES) {
      throw metadataError('saml.metadata_too_large', `${MAX_METADATA_BYTES} bytes`, 'more');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

const passing = new WeakSet<AppError>();

function unreachable(url: string, received: string, mayHelp: boolean, cause?: unknown): AppError {
  const error = metadataError(
    'saml.metadata_unreachable',
    `metadata at ${withoutQuery(url)}`,
    received,
    cause,
  );
  if (mayHelp) passing.add(error);
  return error;
}

/** An address for people: its query may hold a key. */
export function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function mayPass(error: unknown): boolean {
  return error instanceof AppError && passing.has(error);
}
