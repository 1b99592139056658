import type { AppError } from '@rollcall/shared/core/errors';
import type { IdentityProvider } from './identity-provider.ts';

/**
 * An identity provider as it is trusted at this moment. It changes while the service
 * runs: ask at the time of the request, never keep the answer.
 */
export interface LiveIdentityProvider {
  /** Throws `connection.unavailable` where nothing is trusted at present. */
  current(): IdentityProvider;
  /** Why nothing is trusted at present; null where something is. */
  problem(): AppError | null;
}
