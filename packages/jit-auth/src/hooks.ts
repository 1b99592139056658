import { AppError } from '@rollcall/shared/core/errors';
import type { Database } from '@rollcall/shared/db/database';
import type { Change } from '@rollcall/shared/outbox/change';
import { startRelay } from '@rollcall/shared/outbox/relay';
import type { Relay } from '@rollcall/shared/outbox/relay-round';
import type { RelaySettings } from '@rollcall/shared/outbox/relay-settings';
import type { Log } from '@rollcall/shared/telemetry/log';

/** What a host does with a change. Throwing, or taking too long, has it come again. */
export type ChangeHandler = (change: Change, signal: AbortSignal) => Promise<void> | void;

/** How a handler is called. */
export interface ChangeOptions extends Partial<RelaySettings> {
  /**
   * What waits for the handler waits under this name, over restarts and for all
   * instances: the same in each of them, another one for each handler.
   */
  readonly name?: string;
}

/** A handler that is called. */
export interface ChangeSubscription {
  /** Settled once every change that is committed from then on will be handed over. */
  readonly ready: Promise<void>;
  /**
   * Calls the handler no more, after what is under way. Its changes wait for the next
   * process that has a handler of the name, for 30 days.
   */
  stop(): Promise<void>;
}

/** The handlers of one plugin. */
export interface Hooks {
  add(handler: ChangeHandler, options?: ChangeOptions): ChangeSubscription;
  close(): Promise<void>;
}

const NAME = /^[a-z0-9][a-z0-9_.-]{0,62}$/;

/** Opens the handlers' side of the outbox. */
export function openHooks(db: Database, log: Log): Hooks {
  const relays = new Map<string, Relay>();
  return {
    add: (handler, { name = 'default', ...settings } = {}) => {
      requireFreeName(name, relays);
      const target = { name: `handler:${name}`, deliver: handler };
      const relay = startRelay(db, target, log, settings);
      relays.set(name, relay);
      return {
        ready: relay.ready,
        stop: async () => {
          await relay.stop();
          relays.delete(name);
        },
      };
    },
    close: async () => {
      await Promise.all([...relays.values()].map((relay) => relay.stop()));
    },
  };
}

/** Two handlers of one name would share what is meant for each. */
function requireFreeName(name: string, taken: ReadonlyMap<string, unknown>): void {
  if (!NAME.test(name)) {
    throw new AppError('hook.bad_name', 'The name of this handler cannot be used.', {
      detail: { expected: NAME.source, received: name.slice(0, 80) },
    });
  }
  if (taken.has(name)) {
    throw new AppError(
      'hook.name_taken',
      'There is a handler of this name: give each its own, onChange(handler, { name }).',
      { detail: { expected: 'a name for each handler', received: name } },
    );
  }
}
