import type { Config, Environment } from '@rollcall/shared/config/types';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import type { Advice } from './advice.ts';

/** What is examined, and with what. */
export interface Patient {
  readonly config: Config;
  readonly env: Environment;
  /** The clock of this machine. */
  readonly clock: () => EpochMs;
  /** Only this connection; null: all. */
  readonly only: ConnectionId | null;
  /** Opens the database, without Redis. Throws `database.…`. */
  readonly openDatabase: () => Promise<Foundation>;
  readonly advice: Advice;
}
