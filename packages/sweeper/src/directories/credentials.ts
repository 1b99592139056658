import { AppError } from '@rollcall/shared/core/errors';
import { DirectoryError } from './directory-error.ts';

/** A request that is about to be sent. */
export interface ProvenRequest {
  readonly method: string;
  readonly url: URL;
}

/** What makes a directory answer us. */
export interface Credentials {
  /** The value of the `Authorization` header. Throws `DirectoryError`. */
  authorize(signal: AbortSignal): Promise<string>;
  /** Further headers of one request, such as a proof of possession (RFC 9449 §4). */
  prove?(request: ProvenRequest): Promise<Readonly<Record<string, string>>>;
  /** Told of the headers of every answer, whatever its status (RFC 9449 §8: nonces). */
  heed?(headers: Headers, request: ProvenRequest): void;
  /**
   * Told that the last value was refused with 401. True where the next one is
   * obtained afresh and may do better.
   */
  discard(): boolean;
}

// RFC 6750 §2.1 (b64token) and what servers use beyond it. `fetch` quotes the
// whole value when it refuses a header, so nothing else may reach it.
const SENDABLE = /^[\x21-\x7e]+$/;

/**
 * A bearer token that is a configured secret. It is read once and again after
 * a refusal, so that a rotated file or variable is picked up without a restart.
 */
export class BearerToken implements Credentials {
  readonly #read: () => Promise<string>;
  #token: string | null = null;

  constructor(read: () => Promise<string>) {
    this.#read = read;
  }

  /** The token itself. Throws `DirectoryError` with the fault `unauthorized`. */
  async token(): Promise<string> {
    this.#token ??= await readSecret(this.#read, 'token');
    return this.#token;
  }

  async authorize(): Promise<string> {
    return `Bearer ${await this.token()}`;
  }

  discard(): boolean {
    this.#token = null;
    return true;
  }
}

/** Reads a secret that will be sent. Throws `DirectoryError`; never quotes the secret. */
export async function readSecret(read: () => Promise<string>, what: string): Promise<string> {
  let secret: string;
  try {
    secret = await read();
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new DirectoryError('unauthorized', `Cannot read the ${what}. ${cause.message}`, {
      cause,
    });
  }
  if (SENDABLE.test(secret)) return secret;
  throw new DirectoryError(
    'unauthorized',
    `The ${what} cannot be sent: expected printable ASCII without spaces.`,
  );
}
