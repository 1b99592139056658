import { AppError, codeOf, wordsOf } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { IdentityProvider } from '../saml/identity-provider.ts';
import type { LiveIdentityProvider } from '../saml/live-identity-provider.ts';
import { metadataError } from '../saml/metadata-error.ts';

/** What is trusted of one connection's identity provider, replaced whole by whoever keeps it. */
export class HeldIdentityProvider implements LiveIdentityProvider {
  readonly #connectionId: ConnectionId;
  #idp: IdentityProvider | null = null;
  #validUntil: EpochMs | null = null;
  #problem: AppError;

  constructor(connectionId: ConnectionId) {
    this.#connectionId = connectionId;
    this.#problem = this.#unavailable(new AppError('connection.opening', 'It is being opened.'));
  }

  current(): IdentityProvider {
    if (this.#idp === null) throw this.#problem;
    return this.#idp;
  }

  problem(): AppError | null {
    return this.#idp === null ? this.#problem : null;
  }

  /** Trusts this from now on. The same again stays the same object, for whoever has read its keys. */
  hold(idp: IdentityProvider, validUntil: EpochMs | null): void {
    this.#validUntil = validUntil;
    if (JSON.stringify(idp) !== JSON.stringify(this.#idp)) this.#idp = idp;
  }

  /** Trusts nothing from now on, and says why. */
  drop(cause: unknown): void {
    this.#idp = null;
    this.#problem = this.#unavailable(cause);
  }

  /** SAML Metadata §2.3.2: past its `validUntil` metadata must not be used. */
  dropIfExpired(now: EpochMs): void {
    if (this.#idp === null || this.#validUntil === null || this.#validUntil > now) return;
    const received = new Date(this.#validUntil).toISOString();
    this.drop(metadataError('saml.metadata_expired', `validUntil after ${now}`, received));
  }

  #unavailable(cause: unknown): AppError {
    return new AppError(
      'connection.unavailable',
      'Signing in this way is not possible at the moment: what is known of the identity provider could not be loaded. It is tried again by itself, so please come back in a few minutes.',
      {
        cause,
        detail: { connection: this.#connectionId, code: codeOf(cause), reason: wordsOf(cause) },
      },
    );
  }
}
