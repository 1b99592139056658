import { type Fields, readFields, readText } from './answer-fields.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import type { Credentials, ProvenRequest } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';
import type { DpopProver } from './dpop.ts';
import { type HttpAnswer, HttpClient, type HttpContent } from './http-client.ts';
import { type HttpTime, SYSTEM_TIME } from './http-time.ts';
import type { Pace } from './pace.ts';

/** Where and as whom a token is obtained (RFC 6749 §4.4). */
export interface ClientCredentialsOptions {
  /** Origin and leading path, without a slash at the end. */
  readonly baseUrl: string;
  /** Path of the token endpoint below the base. */
  readonly tokenPath: string;
  /** For messages. */
  readonly clientId: string;
  readonly authenticate: ClientAuthentication;
  /** Further fields of the request, such as `scope` or `audience`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Binds tokens to a key of ours (RFC 9449); null or left out: not. */
  readonly dpop?: DpopProver | null;
  /** In milliseconds, for one attempt. */
  readonly timeoutMs: number;
  /** Waited for before each request; null or left out: not at all. */
  readonly pace?: Pace | null;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
}

interface AccessToken {
  readonly value: string;
  /** What the server says it may be used for; null where it does not say. */
  readonly scope: string | null;
  /** When a new one is fetched, on the clock. */
  readonly refreshAt: number;
}

// RFC 6749 §5.1 lets servers leave out `expires_in`.
const UNSAID_LIFETIME_S = 60;
const LONGEST_HEAD_START_S = 30;
const ERROR_CODE = /^[a-z_]{1,40}$/;

/**
 * Access tokens by client credentials. A token is kept, and replaced a fifth of
 * its lifetime (30 s at most) before it expires; calls that need one at the same
 * time share one request.
 */
export class ClientCredentials implements Credentials {
  readonly #options: ClientCredentialsOptions;
  readonly #http: HttpClient;
  readonly #time: HttpTime;
  #token: AccessToken | null = null;
  #pending: Promise<AccessToken> | null = null;

  constructor(options: ClientCredentialsOptions) {
    this.#options = options;
    const { baseUrl, timeoutMs, pace = null, time = SYSTEM_TIME } = options;
    this.#http = new HttpClient({ baseUrl, timeoutMs, pace, time });
    this.#time = time;
  }

  /** The access token itself. Throws `DirectoryError`, and the reason of `signal`. */
  async token(signal: AbortSignal): Promise<string> {
    return (await this.#current(signal)).value;
  }

  /** What the server says the token may be used for; empty where it does not say. */
  async scopes(signal: AbortSignal): Promise<readonly string[]> {
    const { scope } = await this.#current(signal);
    return (scope ?? '').split(' ').filter((one) => one !== '');
  }

  async authorize(signal: AbortSignal): Promise<string> {
    const { dpop = null } = this.#options;
    return `${dpop === null ? 'Bearer' : 'DPoP'} ${await this.token(signal)}`;
  }

  async prove(request: ProvenRequest): Promise<Readonly<Record<string, string>>> {
    return (await this.#options.dpop?.prove(request, this.#token?.value ?? null)) ?? {};
  }

  heed(headers: Headers, { url }: ProvenRequest): void {
    this.#options.dpop?.heed(url.origin, headers);
  }

  discard(): boolean {
    this.#token = null;
    return true;
  }

  async #current(signal: AbortSignal): Promise<AccessToken> {
    if (this.#token !== null && this.#time.now() < this.#token.refreshAt) return this.#token;
    signal.throwIfAborted();
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    return raceAbort(this.#pending, signal);
  }

  /** Bounded by the time limits of the client, not by one caller: others may be waiting too. */
  async #fetch(): Promise<AccessToken> {
    const { clientId, dpop = null } = this.#options;
    const askedAt = this.#time.now();
    let answer = await this.#ask();
    // RFC 9449 §8: the server wants its own nonce in the proof, and has just said which.
    if (dpop !== null && errorCode(answer) === 'use_dpop_nonce') answer = await this.#ask();
    const { value, scope, lifetimeS } = readToken(answer, clientId, dpop === null);
    const headStartS = Math.min(LONGEST_HEAD_START_S, lifetimeS / 5);
    this.#token = { value, scope, refreshAt: askedAt + (lifetimeS - headStartS) * 1_000 };
    return this.#token;
  }

  async #ask(): Promise<HttpAnswer> {
    const { tokenPath, dpop = null } = this.#options;
    const url = new URL(`${this.#options.baseUrl}${tokenPath}`);
    const answer = await this.#http.send(
      { target: tokenPath, prepare: (url) => this.#prepare(url), expects: [400, 401] },
      new AbortController().signal,
    );
    dpop?.heed(url.origin, answer.headers);
    return answer;
  }

  async #prepare(url: URL): Promise<HttpContent> {
    const { authenticate, fields = {}, dpop = null } = this.#options;
    const { form, headers = {} } = await authenticate(url);
    const proof = dpop === null ? {} : await dpop.prove({ method: 'POST', url }, null);
    return {
      form: { grant_type: 'client_credentials', ...fields, ...form },
      headers: { ...headers, ...proof },
    };
  }
}

function readToken(
  answer: HttpAnswer,
  clientId: string,
  bearer: boolean,
): { readonly value: string; readonly scope: string | null; readonly lifetimeS: number } {
  if (answer.status !== 200) {
    const what = `refused the client ${JSON.stringify(clientId)} (${errorCode(answer)})`;
    throw new DirectoryError('unauthorized', `The token endpoint ${what}.`);
  }
  const fields = readFields(answer.body, 'the answer of the token endpoint');
  const type = readText(fields.token_type, 'token_type of the token endpoint');
  const wanted = bearer ? 'bearer' : 'dpop';
  if (type.toLowerCase() !== wanted) {
    throw new DirectoryError('malformed_answer', `The token endpoint gave no ${wanted} token.`);
  }
  const value = readText(fields.access_token, 'access_token of the token endpoint');
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new DirectoryError(
      'malformed_answer',
      'The token endpoint gave a token that cannot be sent.',
    );
  }
  const scope = typeof fields.scope === 'string' ? fields.scope : null;
  return { value, scope, lifetimeS: readLifetime(fields) };
}

function readLifetime(fields: Fields): number {
  const given = fields.expires_in;
  return typeof given === 'number' && given > 0 ? given : UNSAID_LIFETIME_S;
}

/** The `error` of RFC 6749 §5.2, where it is one; descriptions may repeat what was sent. */
function errorCode({ status, body }: HttpAnswer): string {
  const error: unknown = typeof body === 'object' && body !== null && 'error' in body && body.error;
  return typeof error === 'string' && ERROR_CODE.test(error) ? error : `status ${status}`;
}

/** The caller's interruption ends its own waiting, not the request that others share. */
async function raceAbort<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([pending, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
