import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import type { CopyHead } from '@rollcall/shared/db/identity-providers';
import type { Resolver } from '@rollcall/shared/http/public-address';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { Patience } from '../saml/metadata-download.ts';
import type { HeldIdentityProvider } from './held-identity-provider.ts';

/** Keeps what is trusted of one identity provider up to date. */
export interface IdentityProviderKeeper {
  readonly id: ConnectionId;
  readonly live: HeldIdentityProvider;
  /** Loads what is known of it without asking anybody far away. Never throws: what is wrong is held. */
  open(): Promise<void>;
  /** Asks its source for the first time, where that is due. Never throws, and may take a while. */
  settle(): Promise<void>;
  /** Takes over what has changed elsewhere, and lets go of what has ended. Quick. */
  follow(heads: readonly CopyHead[]): Promise<void>;
  /** Asks the source again, where that is due. May take as long as a download. */
  refresh(): Promise<void>;
}

/** What every keeper works with. */
export interface KeeperDeps {
  readonly db: Database;
  readonly log: Log;
  readonly clock: () => EpochMs;
  /** From 0 to 1; spreads what would otherwise happen at once. */
  readonly random: () => number;
  /** How patient a download is for which nobody waits. */
  readonly background: Patience;
  /** Aborted when the service stops. */
  readonly closing: AbortSignal;
  /** How names become addresses; the system's way where left out. */
  readonly resolve?: Resolver;
}
