import { setTimeout as wait } from 'node:timers/promises';
import { readRetryAfter } from '@rollcall/shared/http/retry-after';
import type { Credentials } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';
import {
  directoryErrorOf,
  failureOfException,
  failureOfStatus,
  type HttpFailure,
  malformed,
  timedOut,
} from './http-failure.ts';
import type { Pace } from './pace.ts';

/** How a directory is asked over HTTP. */
export interface HttpClientOptions {
  /** Such as `https://idp.example/scim/v2`, no slash at the end. No request leaves its origin. */
  readonly baseUrl: string;
  /** For one attempt, headers and body, in milliseconds. */
  readonly timeoutMs: number;
  /** For one call with its attempts and waits, in milliseconds; three attempts' worth by default. */
  readonly budgetMs?: number;
  /** How often a transient failure is tried again; 2 by default. */
  readonly retries?: number;
  /** The largest answer that is read, in bytes; 32 MiB by default. */
  readonly maxBytes?: number;
  readonly credentials?: Credentials;
  /** Waited for before each attempt; the wait is not part of the budget. */
  readonly pace?: Pace | null;
}

/** One thing to ask. */
export interface HttpRequest {
  /** A path under the base URL (`/Users`), or a whole URL on its origin (a followed link). */
  readonly target: string;
  /** Added to whatever query the target has. */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form by POST. Only for requests that may be repeated, such as for a token. */
  readonly form?: Readonly<Record<string, string>>;
  /** Gives the bytes of the answer with status 200 as `body`, whatever they are. */
  readonly raw?: boolean;
  /** Statuses besides 200 that the caller reads itself, such as 404 for a look-up. */
  readonly expects?: readonly number[];
}

/** An answer with status 200, or one of those that the caller expects. */
export interface HttpAnswer {
  readonly status: number;
  /** Without parameters, in lower case, such as `application/json`; empty where it was not said. */
  readonly mediaType: string;
  readonly headers: Headers;
  /** Parsed JSON, or bytes where `raw` was asked for; undefined where an expected status other than 200 came without JSON. */
  readonly body: unknown;
}

type Attempt =
  | { readonly answer: HttpAnswer }
  | { readonly failure: HttpFailure; readonly status: number | null };

const DEFAULT_RETRIES = 2;
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
const FIRST_WAIT_MS = 250;

/**
 * The one way in which directories are asked over HTTP. Every failure is a
 * `DirectoryError` that names method, origin and path: never a query, a header
 * or a body. Redirects are refused. The time limits hold for trickled bodies too.
 */
export class HttpClient {
  readonly #base: URL;
  readonly #basePath: string;
  readonly #options: HttpClientOptions;

  constructor(options: HttpClientOptions) {
    this.#base = new URL(options.baseUrl);
    this.#basePath = this.#base.pathname.replace(/\/+$/, '');
    this.#options = options;
  }

  /**
   * Asks, and asks again after a transient failure while time is left. Throws
   * `DirectoryError`, and the reason of `signal` once that is aborted.
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const url = this.#urlOf(request);
    const shown = `${request.form === undefined ? 'GET' : 'POST'} ${url.origin}${url.pathname}`;
    const { timeoutMs, retries = DEFAULT_RETRIES, credentials } = this.#options;
    let deadline = performance.now() + (this.#options.budgetMs ?? timeoutMs * (retries + 1));
    let renewed = false;
    for (let attempts = 1, failures = 0; ; attempts++) {
      deadline += await this.#waitForTurn(signal);
      const limitMs = Math.max(1, Math.min(timeoutMs, Math.ceil(deadline - performance.now())));
      const attempt = await this.#attempt(url, request, limitMs, signal);
      if ('answer' in attempt) return attempt.answer;
      const { failure, status } = attempt;
      if (status === 401 && !renewed && credentials?.discard() === true) {
        renewed = true;
        continue;
      }
      const pauseMs = failure.retryAfterMs ?? backoffMs(failures);
      failures++;
      const late = performance.now() + pauseMs >= deadline;
      if (!failure.transient || failures > retries || late) {
        throw directoryErrorOf(failure, shown, attempts);
      }
      await pause(pauseMs, signal);
    }
  }

  /** How long it took until another request may be sent, in milliseconds. */
  async #waitForTurn(signal: AbortSignal): Promise<number> {
    const { pace } = this.#options;
    if (pace === null || pace === undefined) return 0;
    const since = performance.now();
    await pace(signal);
    return performance.now() - since;
  }

  #urlOf({ target, query = {} }: HttpRequest): URL {
    const url = target.startsWith('/')
      ? URL.parse(`${this.#base.origin}${this.#basePath}${target}`)
      : URL.parse(target);
    if (url === null) {
      throw new DirectoryError('malformed_answer', 'The directory gave a link that is no URL.');
    }
    if (url.origin !== this.#base.origin || url.username !== '' || url.password !== '') {
      const wanted = `expected one on ${this.#base.origin}, received one on ${url.origin}`;
      throw new DirectoryError('cursor_broken', `The directory gave a foreign link: ${wanted}.`);
    }
    url.hash = '';
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  async #attempt(
    url: URL,
    request: HttpRequest,
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Attempt> {
    signal.throwIfAborted();
    const headers = new Headers({ accept: 'application/json', ...request.headers });
    const authorization = await this.#options.credentials?.authorize(signal);
    if (authorization !== undefined) headers.set('authorization', authorization);
    const limit = AbortSignal.timeout(limitMs);
    try {
      const response = await fetch(url, {
        method: request.form === undefined ? 'GET' : 'POST',
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([signal, limit]),
        ...(request.form === undefined ? {} : { body: new URLSearchParams(request.form) }),
      });
      return await this.#read(response, request);
    } catch (error) {
      signal.throwIfAborted();
      return {
        failure: limit.aborted ? timedOut(limitMs) : failureOfException(error),
        status: null,
      };
    }
  }

  async #read(response: Response, { expects = [], raw = false }: HttpRequest): Promise<Attempt> {
    const { status, headers } = response;
    if (status !== 200 && !expects.includes(status)) {
      await response.body?.cancel();
      const retryAfterMs = readRetryAfter(headers.get('retry-after'), Date.now());
      return { failure: failureOfStatus(status, retryAfterMs), status };
    }
    const maxBytes = this.#options.maxBytes ?? DEFAULT_MAX_BYTES;
    const bytes = await readAtMost(response, maxBytes);
    if (bytes === null) {
      return { failure: malformed(`answered with more than ${maxBytes} bytes`), status };
    }
    const mediaType = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
    const answer = { status, headers, mediaType: mediaType ?? '' };
    if (raw) return { answer: { ...answer, body: bytes } };
    const parsed = parseJson(bytes);
    if (parsed !== null) return { answer: { ...answer, body: parsed.value } };
    if (status !== 200) return { answer: { ...answer, body: undefined } };
    const kind = mediaType === '' ? 'no content type' : mediaType;
    return { failure: malformed(`answered 200 without valid JSON (${kind})`), status };
  }
}

/** Half to all of a wait that doubles each time: instances that failed together part ways. */
function backoffMs(failures: number): number {
  return FIRST_WAIT_MS * 2 ** failures * (0.5 + Math.random() / 2);
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(durationMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** The body, or null where it is larger; the rest is then not even received. */
async function readAtMost(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array): { readonly value: unknown } | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return { value };
  } catch {
    return null;
  }
}
