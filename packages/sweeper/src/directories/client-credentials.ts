import { type Fields, readFields, readText } from './answer-fields.ts';
import { type Credentials, readSecret } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';
import { type HttpAnswer, HttpClient } from './http-client.ts';
import type { Pace } from './pace.ts';

/** Where and as whom a token is obtained (RFC 6749 §4.4). */
export interface ClientCredentialsOptions {
  /** Origin and leading path, without a slash at the end. */
  readonly baseUrl: string;
  /** Path of the token endpoint below the base. */
  readonly tokenPath: string;
  readonly clientId: string;
  readonly clientSecret: () => Promise<string>;
  /** In milliseconds, for one attempt. */
  readonly timeoutMs: number;
  /** Waited for before each request; null or left out: not at all. */
  readonly pace?: Pace | null;
  /** Milliseconds that only go forward; the clock of the process by default. */
  readonly clock?: () => number;
}

interface AccessToken {
  readonly value: string;
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
  readonly #clock: () => number;
  #token: AccessToken | null = null;
  #pending: Promise<AccessToken> | null = null;

  constructor(options: ClientCredentialsOptions) {
    this.#options = options;
    const { baseUrl, timeoutMs, pace = null } = options;
    this.#http = new HttpClient({ baseUrl, timeoutMs, pace });
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** The access token itself. Throws `DirectoryError`, and the reason of `signal`. */
  async token(signal: AbortSignal): Promise<string> {
    if (this.#token !== null && this.#clock() < this.#token.refreshAt) return this.#token.value;
    signal.throwIfAborted();
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = null;
    });
    const token = await raceAbort(this.#pending, signal);
    return token.value;
  }

  async authorize(signal: AbortSignal): Promise<string> {
    return `Bearer ${await this.token(signal)}`;
  }

  discard(): boolean {
    this.#token = null;
    return true;
  }

  /** Bounded by the time limits of the client, not by one caller: others may be waiting too. */
  async #fetch(): Promise<AccessToken> {
    const { tokenPath, clientId, clientSecret } = this.#options;
    const secret = await readSecret(clientSecret, 'client secret');
    const askedAt = this.#clock();
    const answer = await this.#http.send(
      {
        target: tokenPath,
        form: { grant_type: 'client_credentials', client_id: clientId, client_secret: secret },
        expects: [400, 401],
      },
      new AbortController().signal,
    );
    const { value, lifetimeS } = readToken(answer, clientId);
    const headStartS = Math.min(LONGEST_HEAD_START_S, lifetimeS / 5);
    this.#token = { value, refreshAt: askedAt + (lifetimeS - headStartS) * 1_000 };
    return this.#token;
  }
}

function readToken(
  answer: HttpAnswer,
  clientId: string,
): { readonly value: string; readonly lifetimeS: number } {
  if (answer.status !== 200) {
    const what = `refused the client ${JSON.stringify(clientId)} (${errorCode(answer)})`;
    throw new DirectoryError('unauthorized', `The token endpoint ${what}.`);
  }
  const fields = readFields(answer.body, 'the answer of the token endpoint');
  const type = readText(fields.token_type, 'token_type of the token endpoint');
  if (type.toLowerCase() !== 'bearer') {
    throw new DirectoryError('malformed_answer', 'The token endpoint gave no bearer token.');
  }
  const value = readText(fields.access_token, 'access_token of the token endpoint');
  if (!/^[\x21-\x7e]+$/.test(value)) {
    throw new DirectoryError(
      'malformed_answer',
      'The token endpoint gave a token that cannot be sent.',
    );
  }
  return { value, lifetimeS: readLifetime(fields) };
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
