import type { EpochMs } from '@rollcall/shared/core/time';

/**
 * Remembers what may be used once: pending requests and assertion ids. All
 * instances of the service share one memory. Every method throws
 * `saml.replay_memory_unavailable` when the store does not answer: a sign-in
 * that cannot be checked is refused.
 */
export interface ReplayMemory {
  /**
   * Keeps a value until `expiresAt`. False when the key is there already, or when
   * `expiresAt` has passed; of several calls at the same time one gets true.
   *
   * @param space what the key is for; keys of different spaces never meet.
   */
  put(space: string, key: string, value: string, expiresAt: EpochMs): Promise<boolean>;
  /**
   * Reads and removes a value in one step; null when there is none or it has
   * expired. Of several calls at the same time one gets the value.
   */
  take(space: string, key: string): Promise<string | null>;
}
