import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { wordsOf } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import type { Log } from '../telemetry/log.ts';
import type { Change } from './change.ts';
import {
  claimDeliveries,
  type Delivery,
  parkDelivery,
  postponeDelivery,
  settleDelivery,
} from './deliveries.ts';
import { delayAfter, type RelaySettings, settingsOf } from './relay-settings.ts';
import { registerTarget } from './targets.ts';

/** What a relay serves. */
export interface RelayTarget {
  /** The same in every process and after every restart: what waits, waits under this name. */
  readonly name: string;
  /** Takes one change, or throws: then it comes again. */
  deliver(change: Change, signal: AbortSignal): Promise<void> | void;
}

/** What hands changes to one target, in this process. */
export interface Relay {
  /** Settled once the target is known to the database, and gets every change from then on. */
  readonly ready: Promise<void>;
  /** Takes no more into hand, and waits a while for what is under way. May be called twice. */
  stop(): Promise<void>;
}

/** How often a relay says that its target is served, in milliseconds. */
const SEEN_EVERY = 60_000;
/** A lease outlasts the time-out by half of it, for marking what was done. */
const LEASE_PER_TIMEOUT = 1.5;
/** How long {@link Relay.stop} waits for a target. */
const GRACE_MS = 10_000;
const LONGEST_ERROR = 300;

/**
 * Hands the changes of the outbox to a target: at least once, in the order of each
 * user, after their commit. Any number of processes may serve one target: each change
 * is in the hand of one of them. One that dies between the target's answer and the
 * mark leaves a change that is handed over again when its lease has run out.
 *
 * What fails is tried again, later and later, and holds up only the later changes of
 * the same user for the same target. After `attempts` it is parked: it waits, with
 * those behind it, until `rollcall targets replay` or `skip`.
 */
export function startRelay(
  db: Database,
  target: RelayTarget,
  log: Log,
  settings: Partial<RelaySettings> = {},
): Relay {
  const round = new RelayRound(db, target, log, settingsOf(settings));
  const running = round.run();
  let stopping: Promise<void> | null = null;
  return {
    ready: round.ready.promise,
    stop: () => {
      stopping ??= round.stop(running);
      return stopping;
    },
  };
}

class RelayRound {
  readonly ready = Promise.withResolvers<void>();
  readonly #db: Database;
  readonly #target: RelayTarget;
  readonly #log: Log;
  readonly #settings: RelaySettings;
  readonly #inHand = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  /** Resolves when there may be more to do. */
  #wake = Promise.withResolvers<void>();
  #seenAt = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(db: Database, target: RelayTarget, log: Log, settings: RelaySettings) {
    this.#db = db;
    this.#target = target;
    this.#log = log;
    this.#settings = settings;
  }

  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#wake = Promise.withResolvers();
      await this.#rest(await this.#step());
    }
    // Whoever waits for the beginning must not wait for ever.
    this.ready.resolve();
  }

  async stop(running: Promise<void>): Promise<void> {
    this.#stopping.abort();
    this.#wake.resolve();
    await running;
    const patience = new AbortController();
    await Promise.race([
      Promise.allSettled(this.#inHand),
      sleep(GRACE_MS, null, { signal: patience.signal }).catch(() => undefined),
    ]);
    patience.abort();
    this.#cutOff.abort(new Error('the relay has stopped'));
  }

  /** Takes what there is into hand; answers with how long to rest, in milliseconds. */
  async #step(): Promise<number> {
    const { atOnce, pollMs, timeoutMs } = this.#settings;
    try {
      await this.#register();
      const most = atOnce - this.#inHand.size;
      const lease = { most, leaseMs: timeoutMs * LEASE_PER_TIMEOUT };
      const taken =
        most > 0 ? await claimDeliveries(this.#db, this.#target.name, randomUUID(), lease) : [];
      for (const delivery of taken) this.#takeInHand(delivery);
      this.#failures = 0;
      // Never all at the same moment, however many processes there are.
      return pollMs * (0.75 + Math.random() / 2);
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) {
        this.#log.warn({ event: 'relay.failed', target: this.#target.name, err: error });
      }
      return delayAfter(this.#failures, this.#settings);
    }
  }

  async #register(): Promise<void> {
    if (performance.now() - this.#seenAt < SEEN_EVERY) return;
    await registerTarget(this.#db, this.#target.name);
    this.#seenAt = performance.now();
    this.ready.resolve();
  }

  /** Until the time is up, something is off our hands, or it is time to stop. */
  async #rest(ms: number): Promise<void> {
    const early = new AbortController();
    const timer = sleep(ms, null, { signal: early.signal, ref: false }).catch(() => undefined);
    await Promise.race([timer, this.#wake.promise]);
    early.abort();
  }

  #takeInHand(delivery: Delivery): void {
    const doing = this.#handOver(delivery).finally(() => {
      this.#inHand.delete(doing);
      this.#wake.resolve();
    });
    this.#inHand.add(doing);
  }

  /** Never throws: what cannot be marked comes again when its lease has run out. */
  async #handOver(delivery: Delivery): Promise<void> {
    const head = { target: this.#target.name, change: delivery.change.id };
    try {
      const error = await this.#tell(delivery.change);
      if (error !== null) await this.#fail(delivery, error);
      else if (!(await settleDelivery(this.#db, delivery))) {
        this.#log.warn({ event: 'delivery.took_too_long', ...head });
      }
    } catch (error) {
      this.#log.warn({ event: 'delivery.not_marked', ...head, err: error });
    }
  }

  /** What went wrong; null where the target has taken the change. */
  async #tell(change: Change): Promise<string | null> {
    const { attempts, timeoutMs } = this.#settings;
    // Every process that had it in hand before died of it, or with it.
    if (change.attempt > attempts) return `no answer in ${attempts} attempts`;
    const over = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([over, this.#cutOff.signal]);
    const cut = Promise.withResolvers<never>();
    const onAbort = (): void => cut.reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([this.#deliver(change, signal), cut.promise]);
      return null;
    } catch (error) {
      const why = over.aborted ? `no answer within ${timeoutMs} ms` : wordsOf(error);
      return why.slice(0, LONGEST_ERROR);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What a target throws before its first `await` is an answer like any other. */
  async #deliver(change: Change, signal: AbortSignal): Promise<void> {
    await this.#target.deliver(change, signal);
  }

  async #fail(delivery: Delivery, error: string): Promise<void> {
    const { change } = delivery;
    const { id, kind, user, attempt } = change;
    const told = { target: this.#target.name, change: id, kind, user: user.record, attempt, error };
    if (attempt >= this.#settings.attempts) {
      await parkDelivery(this.#db, delivery, error);
      this.#log.error({ event: 'delivery.parked', ...told });
      return;
    }
    const delayMs = delayAfter(attempt, this.#settings);
    await postponeDelivery(this.#db, delivery, { error, delayMs });
    this.#log.warn({ event: 'delivery.failed', ...told, retry_in_ms: Math.round(delayMs) });
  }
}
