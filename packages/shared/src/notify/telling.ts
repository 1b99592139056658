import type { Config, Environment } from '../config/types.ts';
import type { EpochMs } from '../core/time.ts';
import type { Database } from '../db/database.ts';
import { readInstallation } from '../db/installation.ts';
import type { RelaySettings } from '../outbox/relay-settings.ts';
import type { Log } from '../telemetry/log.ts';
import { startTargets } from '../webhook/webhook-targets.ts';
import { startSinks } from './sink-relays.ts';

/** What telling stands on. */
export interface TellingParts {
  readonly config: Pick<Config, 'targets' | 'notify' | 'publicUrl'>;
  readonly env: Environment;
  readonly db: Database;
  readonly log: Log;
  readonly clock: () => EpochMs;
}

/** The targets and sinks that this process serves. */
export interface Telling {
  /** Settled once all of them are known to the database. */
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Begins to tell the targets of a configuration of every change, and its sinks of every
 * notification. Any number of processes may: each thing is in the hand of one.
 */
export async function startTelling(
  { config, env, db, log, clock }: TellingParts,
  settings: Partial<RelaySettings> = {},
): Promise<Telling> {
  const installation = await readInstallation(db);
  const tools = { env, clock, log, installation, source: config.publicUrl };
  const relays = [
    ...startTargets(config, db, tools, settings),
    ...startSinks(config, db, tools, settings),
  ];
  return {
    ready: Promise.all(relays.map(({ ready }) => ready)).then(() => undefined),
    stop: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
    },
  };
}
