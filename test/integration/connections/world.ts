import {
  type IdentityProviders,
  type IdentityProvidersOptions,
  openIdentityProviders,
} from '@rollcall/jit-auth/connections/identity-providers';
import type { IdpConfig } from '@rollcall/shared/config/types';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { type Database, overPool } from '@rollcall/shared/db/database';
import { createLog } from '@rollcall/shared/telemetry/log';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';

export const ACME = toConnectionId('acme');
export const GLOBEX = toConnectionId('globex');
export const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

type UrlSource = Extract<IdpConfig, { kind: 'metadata_url' }>;

/** A database, a clock that only tests move, and instances that look when they are told to. */
export interface World {
  readonly fresh: FreshDatabase;
  readonly db: Database;
  now(): EpochMs;
  pass(ms: number): void;
  /** What all instances have logged, parsed. */
  readonly logged: Record<string, unknown>[];
  /** Starts an instance. */
  open(
    connections: readonly { id: typeof ACME; idp: IdpConfig }[],
    changes?: Partial<IdentityProvidersOptions>,
  ): Promise<IdentityProviders>;
  close(): Promise<void>;
}

/** @param given a database that stays the caller's; a fresh one where left out. */
export async function openWorld(given?: FreshDatabase): Promise<World> {
  const fresh = given ?? (await freshDatabase());
  const db = overPool(fresh.pool);
  let now = toEpochMs(Date.now());
  const logged: Record<string, unknown>[] = [];
  const log = createLog('debug', { write: (line: string) => void logged.push(JSON.parse(line)) });
  const instances: IdentityProviders[] = [];
  return {
    fresh,
    db,
    now: () => now,
    pass: (ms) => {
      now = after(now, ms);
    },
    logged,
    open: async (connections, changes = {}) => {
      const options = { db, log, clock: () => now, random: () => 0, lookEveryMs: null };
      const instance = await openIdentityProviders(connections, { ...options, ...changes });
      instances.push(instance);
      return instance;
    },
    close: async () => {
      for (const instance of instances) await instance.close();
      if (given === undefined) await fresh.drop();
    },
  };
}

export function fromUrl(url: string, changes: Partial<UrlSource> = {}): UrlSource {
  return {
    kind: 'metadata_url',
    url,
    refreshMs: HOUR,
    overlapMs: DAY,
    pins: [],
    allowPrivateAddress: false,
    ...changes,
  };
}
