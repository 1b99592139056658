import type { Database } from '@rollcall/shared/db/database';
import { addScimRequests, type ScimRequestEntry } from '@rollcall/shared/db/scim-requests';
import type { Log } from '@rollcall/shared/telemetry/log';

/** How long a request waits at most until it is written down, in milliseconds. */
const EVERY_MS = 1_000;
/** What one statement writes. */
const AT_ONCE = 1_000;
/** What waits at most: some megabytes. */
const MOST_WAITING = 10_000;
/** Requests that brought no good token, in a minute: anybody can send them. */
const STRANGERS = 60;
const MINUTE_MS = 60_000;

/** How much the log takes. */
export interface RequestLogLimits {
  readonly everyMs: number;
  readonly waiting: number;
  readonly strangers: number;
}

const USUAL: RequestLogLimits = { everyMs: EVERY_MS, waiting: MOST_WAITING, strangers: STRANGERS };

/** A request that is to be written down. */
export type NotedRequest = Omit<ScimRequestEntry, 'dropped'>;

/**
 * Writes requests of SCIM clients down, for `rollcall scim log`. They are kept in memory
 * and written together, after they have been answered: no request waits for it or fails for
 * it. What comes faster than it can be written, or while the database is away, is left out
 * and counted, and the next one that is written says how many. What a request changed is
 * in the audit trail, whatever becomes of this.
 */
export class RequestLog {
  readonly #db: Database;
  readonly #log: Log;
  readonly #limits: RequestLogLimits;
  #waiting: ScimRequestEntry[] = [];
  #dropped = 0;
  #strangers = { minute: 0, seen: 0 };
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #failing = false;

  constructor(db: Database, log: Log, limits: Partial<RequestLogLimits> = {}) {
    this.#db = db;
    this.#log = log;
    this.#limits = { ...USUAL, ...limits };
  }

  /** Notes a request that was answered. `known`: by somebody with a good token. */
  note(request: NotedRequest, known: boolean): void {
    const full = this.#waiting.length >= this.#limits.waiting;
    if (full || (!known && !this.#takesStranger(request))) {
      this.#dropped += 1;
    } else {
      this.#waiting.push({ ...request, dropped: this.#dropped });
      this.#dropped = 0;
    }
    this.#timer ??= setTimeout(() => void this.write(), this.#limits.everyMs).unref();
  }

  /** Writes what waits. Never throws: what could not be written waits for the next time. */
  write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeWaiting());
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const part = this.#waiting.slice(0, AT_ONCE);
      try {
        await addScimRequests(this.#db, part);
      } catch (error) {
        // Said once, and not every second of an outage.
        if (!this.#failing) this.#log.warn({ event: 'scim.log_not_written', err: error });
        this.#failing = true;
        this.#timer ??= setTimeout(() => void this.write(), this.#limits.everyMs).unref();
        return;
      }
      this.#failing = false;
      this.#waiting = this.#waiting.slice(part.length);
    }
  }

  #takesStranger({ at }: NotedRequest): boolean {
    const minute = Math.floor(at / MINUTE_MS);
    if (this.#strangers.minute !== minute) this.#strangers = { minute, seen: 0 };
    this.#strangers.seen += 1;
    return this.#strangers.seen <= this.#limits.strangers;
  }
}
