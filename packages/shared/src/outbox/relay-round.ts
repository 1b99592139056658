import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../telemetry/log.ts';
import { DeliveryFailure } from './delivery-failure.ts';
import { delayAfter, type RelaySettings } from './relay-settings.ts';

/** What a relay has to know of what it hands over. */
export interface Handed {
  readonly id: string;
  /** 1 at the first delivery. */
  readonly attempt: number;
}

/** Something that one relay has in hand. */
export interface InHand<Item extends Handed> {
  readonly seq: string;
  /** What whoever marks it must show: another relay may have taken it over. */
  readonly claim: string;
  readonly item: Item;
}

/** Where waits what is handed over, and where it is marked. */
export interface RelayStore<Item extends Handed> {
  /** Makes the receiver known, or says that it is still served. */
  register(): Promise<void>;
  /** Takes what is due into hand; nobody else takes it until `leaseMs` have passed. */
  claim(
    claim: string,
    lease: { readonly most: number; readonly leaseMs: number },
  ): Promise<readonly InHand<Item>[]>;
  /** It was taken. False where the claim had run out by then. */
  settle(taken: InHand<Item>): Promise<boolean>;
  /** It was not taken, and comes again after `delayMs`. */
  postpone(
    taken: InHand<Item>,
    failure: { readonly error: string; readonly delayMs: number },
  ): Promise<void>;
  /** It is given up until somebody replays it. */
  park(taken: InHand<Item>, error: string): Promise<void>;
  /** The receiver wants nothing any more: nothing is handed over until somebody replays. */
  close(error: string): Promise<void>;
}

/** Who receives, and how the log names that and them. */
export interface Receiver<Item extends Handed> {
  /** How the log names it, such as `{ target: 'crm' }`. */
  readonly named: Readonly<Record<string, string>>;
  /** How the log names what it did not take. */
  name(item: Item): Readonly<Record<string, unknown>>;
  /** Takes one, or throws: then it comes again. */
  deliver(item: Item, signal: AbortSignal): Promise<void> | void;
}

/** What hands something to one receiver, in this process. */
export interface Relay {
  /** Settled once the receiver is known to the database, and gets everything from then on. */
  readonly ready: Promise<void>;
  /** Takes no more into hand, and waits a while for what is under way. May be called twice. */
  stop(): Promise<void>;
}

/** How often a relay says that its receiver is served, in milliseconds. */
const SEEN_EVERY = 60_000;
/** A lease outlasts the time-out by half of it, for marking what was done. */
const LEASE_PER_TIMEOUT = 1.5;
/** How long {@link Relay.stop} waits for a receiver. */
const GRACE_MS = 10_000;
const LONGEST_ERROR = 300;

/** Begins to hand over, and goes on until it is stopped. */
export function runRelay<Item extends Handed>(
  store: RelayStore<Item>,
  receiver: Receiver<Item>,
  log: Log,
  settings: RelaySettings,
): Relay {
  const round = new RelayRound(store, receiver, log, settings);
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

class RelayRound<Item extends Handed> {
  readonly ready = Promise.withResolvers<void>();
  readonly #store: RelayStore<Item>;
  readonly #receiver: Receiver<Item>;
  readonly #log: Log;
  readonly #settings: RelaySettings;
  readonly #inHand = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #cutOff = new AbortController();
  /** Resolves when there may be more to do. */
  #wake = Promise.withResolvers<void>();
  #seenAt = Number.NEGATIVE_INFINITY;
  #failures = 0;

  constructor(
    store: RelayStore<Item>,
    receiver: Receiver<Item>,
    log: Log,
    settings: RelaySettings,
  ) {
    this.#store = store;
    this.#receiver = receiver;
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
      const taken = most > 0 ? await this.#store.claim(randomUUID(), lease) : [];
      for (const one of taken) this.#takeInHand(one);
      this.#failures = 0;
      // Never all at the same moment, however many processes there are.
      return pollMs * (0.75 + Math.random() / 2);
    } catch (error) {
      this.#failures += 1;
      if (this.#failures === 1) {
        this.#log.warn({ event: 'relay.failed', ...this.#receiver.named, err: error });
      }
      return delayAfter(this.#failures, this.#settings);
    }
  }

  async #register(): Promise<void> {
    if (performance.now() - this.#seenAt < SEEN_EVERY) return;
    await this.#store.register();
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

  #takeInHand(taken: InHand<Item>): void {
    const doing = this.#handOver(taken).finally(() => {
      this.#inHand.delete(doing);
      this.#wake.resolve();
    });
    this.#inHand.add(doing);
  }

  /** Never throws: what cannot be marked comes again when its lease has run out. */
  async #handOver(taken: InHand<Item>): Promise<void> {
    const { named, name } = this.#receiver;
    try {
      const failure = await this.#tell(taken.item);
      if (failure !== null) await this.#fail(taken, failure);
      else if (!(await this.#store.settle(taken))) {
        this.#log.warn({ event: 'delivery.took_too_long', ...named, ...name(taken.item) });
      }
    } catch (error) {
      this.#log.warn({ event: 'delivery.not_marked', ...named, ...name(taken.item), err: error });
    }
  }

  /** What went wrong; null where it was taken. */
  async #tell(item: Item): Promise<Failure | null> {
    const { attempts, timeoutMs } = this.#settings;
    // Every process that had it in hand before died of it, or with it.
    if (item.attempt > attempts) {
      return { error: `no answer in ${attempts} attempts`, gone: false, retryAfterMs: 0 };
    }
    const over = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([over, this.#cutOff.signal]);
    const cut = Promise.withResolvers<never>();
    const onAbort = (): void => cut.reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([this.#deliver(item, signal), cut.promise]);
      return null;
    } catch (error) {
      const why = over.aborted ? `no answer within ${timeoutMs} ms` : wordsOf(error);
      const advice = error instanceof DeliveryFailure ? error : { gone: false, retryAfterMs: 0 };
      const { gone, retryAfterMs } = advice;
      return { error: why.slice(0, LONGEST_ERROR), gone, retryAfterMs };
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What a receiver throws before its first `await` is an answer like any other. */
  async #deliver(item: Item, signal: AbortSignal): Promise<void> {
    await this.#receiver.deliver(item, signal);
  }

  async #fail(taken: InHand<Item>, failure: Failure): Promise<void> {
    const { error, gone, retryAfterMs } = failure;
    const { attempt } = taken.item;
    const { named, name } = this.#receiver;
    const told = { ...named, ...name(taken.item), attempt, error };
    if (gone) {
      await this.#store.postpone(taken, { error, delayMs: 0 });
      await this.#store.close(error);
      this.#log.error({ event: 'delivery.gone', ...told });
      return;
    }
    if (attempt >= this.#settings.attempts) {
      await this.#store.park(taken, error);
      this.#log.error({ event: 'delivery.parked', ...told });
      return;
    }
    const delayMs = Math.max(retryAfterMs, delayAfter(attempt, this.#settings));
    await this.#store.postpone(taken, { error, delayMs });
    this.#log.warn({ event: 'delivery.failed', ...told, retry_in_ms: Math.round(delayMs) });
  }
}

interface Failure {
  readonly error: string;
  readonly gone: boolean;
  readonly retryAfterMs: number;
}
