import type { Credentials } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';
import { mediaTypeOf, parseJson, readAtMost } from './http-body.ts';
import {
  directoryErrorOf,
  failureOfException,
  failureOfStatus,
  type HttpFailure,
  heldBack,
  malformed,
  timedOut,
  type VendorRefusal,
} from './http-failure.ts';
import { type HttpTime, SYSTEM_TIME } from './http-time.ts';
import type { Pace } from './pace.ts';
import { type Fetch, fetchOf } from './proxied-fetch.ts';
import { readAskedPause, readSpentWindow } from './rate-headers.ts';
import { Restraint } from './restraint.ts';

/** How a directory is asked over HTTP. */
export interface HttpClientOptions {
  /** Such as `https://idp.example/scim/v2`, no slash at the end. No request leaves its origin. */
  readonly baseUrl: string;
  /** For one attempt, headers and body, in milliseconds. */
  readonly timeoutMs: number;
  /** For one call with its attempts and waits, in milliseconds; three attempts' worth by default. */
  readonly budgetMs?: number;
  /**
   * For the pauses that the directory asks one call to make, in milliseconds; they are
   * not part of the budget then. Left out, they are.
   */
  readonly patienceMs?: number;
  /** How often a transient failure is tried again; 2 by default. */
  readonly retries?: number;
  /** So many requests are under way at once; 8 by default. */
  readonly atOnce?: number;
  /** The largest answer that is read, in bytes; 32 MiB by default. */
  readonly maxBytes?: number;
  readonly credentials?: Credentials;
  /** Waited for before each attempt; the wait is not part of the budget. */
  readonly pace?: Pace | null;
  /** Reads what the vendor says with a refusal, where it says more than its status. */
  readonly readRefusal?: (answer: HttpAnswer) => VendorRefusal;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
  /** The environment's proxies by default. */
  readonly fetch?: Fetch;
}

/** What is sent besides the URL. */
export interface HttpContent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form by POST. Only for requests that may be repeated, such as for a token. */
  readonly form?: Readonly<Record<string, string>>;
  /** Sent as JSON by POST. Only for requests that may be repeated, such as a search. */
  readonly json?: unknown;
}

/** One thing to ask. */
export interface HttpRequest extends HttpContent {
  /** A path under the base URL (`/Users`), or a whole URL on its origin (a followed link). */
  readonly target: string;
  /** Added to whatever query the target has. */
  readonly query?: Readonly<Record<string, string>>;
  /** Makes the content of each attempt anew: for what may be sent only once. */
  readonly prepare?: (url: URL) => Promise<HttpContent>;
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
const DEFAULT_AT_ONCE = 8;
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024;
/** More of a refusal is not read. */
const REFUSAL_BYTES = 64 * 1024;
const FIRST_WAIT_MS = 250;

/**
 * The one way in which directories are asked over HTTP. Every failure is a
 * `DirectoryError` that names method, origin and path: never a query, a header
 * or a body. Redirects are refused. The time limits hold for trickled bodies too.
 * A pause that the directory asks for holds whatever else this client would send.
 */
export class HttpClient {
  readonly #base: URL;
  readonly #basePath: string;
  readonly #options: HttpClientOptions;
  readonly #time: HttpTime;
  readonly #restraint: Restraint;
  readonly #fetch: Fetch;

  constructor(options: HttpClientOptions) {
    this.#base = new URL(options.baseUrl);
    this.#basePath = this.#base.pathname.replace(/\/+$/, '');
    this.#options = options;
    const { pace = null, time = SYSTEM_TIME, atOnce = DEFAULT_AT_ONCE } = options;
    this.#time = time;
    this.#restraint = new Restraint({ pace, time, atOnce });
    this.#fetch = options.fetch ?? fetchOf(process.env);
  }

  /**
   * Asks, and asks again after a transient failure while time is left. Throws
   * `DirectoryError`, and the reason of `signal` once that is aborted.
   */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const url = this.#urlOf(request);
    const shown = `${methodOf(request)} ${url.origin}${url.pathname}`;
    const { timeoutMs, retries = DEFAULT_RETRIES, credentials } = this.#options;
    const time = this.#time;
    const allowance = allow(this.#options, retries, time);
    let renewed = false;
    for (let attempts = 1, failures = 0; ; attempts++) {
      const turn = await this.#restraint.enter(allowance.patienceMs(), signal);
      if (turn.kind === 'held') throw directoryErrorOf(heldBack(turn.forMs), shown, attempts - 1);
      allowance.spend(turn);
      const limitMs = Math.max(1, Math.min(timeoutMs, Math.ceil(allowance.leftMs())));
      const attempt = await this.#attempt(url, request, limitMs, signal).finally(() =>
        this.#restraint.leave(),
      );
      if ('answer' in attempt) return attempt.answer;
      const { failure, status } = attempt;
      if (status === 401 && !renewed && credentials?.discard() === true) {
        renewed = true;
        continue;
      }
      failures++;
      const asked = failure.retryAfterMs;
      if (asked !== null) await this.#restraint.hold(asked);
      const pauseMs = asked ?? backoffMs(failures - 1);
      const late = pauseMs >= (asked === null ? allowance.leftMs() : allowance.patienceMs());
      if (failure.refusal !== 'retryable' || failures > retries || late) {
        throw directoryErrorOf(failure, shown, attempts);
      }
      // A pause that was asked for is waited for with the next turn.
      if (asked === null) await time.wait(pauseMs, signal);
    }
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
    const { credentials } = this.#options;
    const prepared = { ...request, ...(await request.prepare?.(url)) };
    const method = methodOf(prepared);
    const headers = new Headers({
      accept: 'application/json',
      ...(prepared.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
      ...prepared.headers,
    });
    const authorization = await credentials?.authorize(signal);
    if (authorization !== undefined) headers.set('authorization', authorization);
    const proof = (await credentials?.prove?.({ method, url })) ?? {};
    for (const [name, value] of Object.entries(proof)) headers.set(name, value);
    const limit = this.#time.limit(limitMs);
    try {
      const response = await this.#fetch(url, {
        method,
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([signal, limit]),
        ...contentOf(prepared),
      });
      credentials?.heed?.(response.headers, { method, url });
      return await this.#read(response, request);
    } catch (error) {
      signal.throwIfAborted();
      return {
        failure: limit.aborted ? timedOut(limitMs) : failureOfException(error),
        status: null,
      };
    }
  }

  async #read(response: Response, request: HttpRequest): Promise<Attempt> {
    const { expects = [], raw = false } = request;
    const { status, headers } = response;
    if (status !== 200 && !expects.includes(status)) return this.#readRefusal(response);
    const spentMs = readSpentWindow(headers, this.#time.date());
    if (spentMs !== null && spentMs <= (this.#options.patienceMs ?? 0)) {
      this.#restraint.rest(spentMs);
    }
    const maxBytes = this.#options.maxBytes ?? DEFAULT_MAX_BYTES;
    const bytes = await readAtMost(response, maxBytes);
    if (bytes === null) {
      return { failure: malformed(`answered with more than ${maxBytes} bytes`), status };
    }
    const answer = { status, headers, mediaType: mediaTypeOf(headers) };
    if (raw) return { answer: { ...answer, body: bytes } };
    const parsed = parseJson(bytes);
    if (parsed !== null) return { answer: { ...answer, body: parsed.value } };
    if (status !== 200) return { answer: { ...answer, body: undefined } };
    const kind = answer.mediaType === '' ? 'no content type' : answer.mediaType;
    return { failure: malformed(`answered 200 without valid JSON (${kind})`), status };
  }

  async #readRefusal(response: Response): Promise<Attempt> {
    const { status, headers } = response;
    const pauseMs = readAskedPause(headers, this.#time.date());
    const { readRefusal } = this.#options;
    if (readRefusal === undefined) {
      await response.body?.cancel();
      return { failure: failureOfStatus(status, pauseMs), status };
    }
    const bytes = await readAtMost(response, REFUSAL_BYTES);
    const body = bytes === null ? undefined : parseJson(bytes)?.value;
    const vendor = readRefusal({ status, headers, mediaType: mediaTypeOf(headers), body });
    return { failure: failureOfStatus(status, pauseMs, vendor), status };
  }
}

/** What is left of the time for one call. */
interface Allowance {
  /** For attempts and the waits between them, in milliseconds. */
  leftMs(): number;
  /** For pauses that the directory asks for, in milliseconds. */
  patienceMs(): number;
  spend(waited: { readonly pausedMs: number; readonly pacedMs: number }): void;
}

function allow(options: HttpClientOptions, retries: number, time: HttpTime): Allowance {
  let deadline = time.now() + (options.budgetMs ?? options.timeoutMs * (retries + 1));
  let patienceMs = options.patienceMs ?? null;
  return {
    leftMs: () => deadline - time.now(),
    patienceMs: () => patienceMs ?? Math.max(0, deadline - time.now()),
    spend: ({ pausedMs, pacedMs }) => {
      deadline += pacedMs;
      if (patienceMs === null) return;
      patienceMs -= pausedMs;
      deadline += pausedMs;
    },
  };
}

function methodOf({ form, json, prepare }: HttpContent & { readonly prepare?: unknown }): string {
  return form === undefined && json === undefined && prepare === undefined ? 'GET' : 'POST';
}

function contentOf({ form, json }: HttpContent): Pick<RequestInit, 'body'> {
  if (form !== undefined) return { body: new URLSearchParams(form) };
  return json === undefined ? {} : { body: JSON.stringify(json) };
}

/** Half to all of a wait that doubles each time: instances that failed together part ways. */
function backoffMs(failures: number): number {
  return FIRST_WAIT_MS * 2 ** failures * (0.5 + Math.random() / 2);
}
