import type { ConnectionId } from '@rollcall/shared/core/ids';
import { printable } from '@rollcall/shared/core/printable';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import {
  addSignIns,
  type ConnectionSignIns,
  OFFSETS_KEPT,
} from '@rollcall/shared/db/connection-sign-ins';
import type { Database } from '@rollcall/shared/db/database';
import {
  addRefusals,
  dayOf,
  REFUSALS_KEPT,
  type RefusalNote,
  type RefusalTally,
} from '@rollcall/shared/db/sign-in-refusals';
import type { Log } from '@rollcall/shared/telemetry/log';

/** A sign-in that was refused, as the log has it. */
export interface RefusedSignIn {
  readonly connection: ConnectionId;
  readonly code: string;
  readonly reference: string;
  /** `expected` and `received` are kept, everything else is for the log alone. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** How often at most the same count is written, in milliseconds. */
const EVERY = 3_000;
/** The longest text that is kept of a value, in characters. */
const LONGEST = 300;
/** Beyond the range of Postgres' integer nothing is a clock any more. */
const FARTHEST_MS = 2 ** 31 - 1;

/**
 * Writes down how sign-ins by each connection go, for `rollcall doctor`: refusals by
 * code, and how far the clocks are apart. Anybody can cause refusals, so they are
 * counted in memory and written together, one row for each code whatever came in. A
 * sign-in never waits for it and never fails for it: what could not be written is kept
 * and tried again. A process that is killed loses the last seconds.
 */
export class SignInRecord {
  readonly #db: Database;
  readonly #log: Log;
  readonly #everyMs: number;
  #refusals = new Map<string, RefusalTally>();
  #signIns = new Map<ConnectionId, ConnectionSignIns>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #failing = false;
  #closed = false;

  constructor(db: Database, log: Log, everyMs: number = EVERY) {
    this.#db = db;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** Counts a refusal. */
  refused({ connection, code, reference, detail }: RefusedSignIn, now: EpochMs): void {
    const note: RefusalNote = {
      at: now,
      reference,
      expected: shortText(detail.expected),
      received: shortText(detail.received),
    };
    const day = dayOf(now);
    this.#addRefusal({
      connectionId: connection,
      code,
      day,
      count: 1,
      firstAt: now,
      lastAt: now,
      recent: [note],
    });
    this.#arm();
  }

  /** Notes a good sign-in by an assertion that was issued at `issuedAt`. */
  admitted(connection: ConnectionId, issuedAt: EpochMs, now: EpochMs): void {
    const offset = Math.max(-FARTHEST_MS, Math.min(FARTHEST_MS, now - issuedAt));
    this.#addSignIn({ connectionId: connection, lastAt: now, clockOffsetsMs: [offset] });
    this.#arm();
  }

  /** Writes what waits, once more, and then no more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #addRefusal(tally: RefusalTally): void {
    const key = `${tally.connectionId} ${tally.code} ${tally.day}`;
    const there = this.#refusals.get(key);
    this.#refusals.set(key, there === undefined ? tally : sumOf(there, tally));
  }

  #addSignIn(added: ConnectionSignIns): void {
    const there = this.#signIns.get(added.connectionId);
    const [older, newer] =
      there !== undefined && there.lastAt > added.lastAt ? [added, there] : [there, added];
    const clockOffsetsMs = [...newer.clockOffsetsMs, ...(older?.clockOffsetsMs ?? [])];
    const kept = { ...newer, clockOffsetsMs: clockOffsetsMs.slice(0, OFFSETS_KEPT) };
    this.#signIns.set(added.connectionId, kept);
  }

  #arm(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#writing = this.#write().then(() => {
        this.#timer = null;
        if (this.#refusals.size + this.#signIns.size > 0) this.#arm();
      });
    }, this.#everyMs);
    // It must not keep a process alive that has nothing else to do.
    this.#timer.unref();
  }

  /** Never throws: what could not be written waits for the next time. */
  async #write(): Promise<void> {
    const [refusals, signIns] = [[...this.#refusals.values()], [...this.#signIns.values()]];
    this.#refusals = new Map();
    this.#signIns = new Map();
    const [refused, admitted] = await Promise.allSettled([
      addRefusals(this.#db, refusals),
      addSignIns(this.#db, signIns),
    ]);
    if (refused.status === 'rejected') for (const tally of refusals) this.#addRefusal(tally);
    if (admitted.status === 'rejected') for (const added of signIns) this.#addSignIn(added);
    const failed = [refused, admitted].find((outcome) => outcome.status === 'rejected');
    // Said once, and not every few seconds of an outage.
    if (failed !== undefined && !this.#failing) {
      this.#log.warn({ event: 'sign_in_record.failed', err: failed.reason });
    }
    this.#failing = failed !== undefined;
  }
}

function sumOf(one: RefusalTally, other: RefusalTally): RefusalTally {
  const recent = [...one.recent, ...other.recent].sort((a, b) => b.at - a.at);
  return {
    ...one,
    count: one.count + other.count,
    firstAt: toEpochMs(Math.min(one.firstAt, other.firstAt)),
    lastAt: toEpochMs(Math.max(one.lastAt, other.lastAt)),
    recent: recent.slice(0, REFUSALS_KEPT),
  };
}

/**
 * Values come from strangers: short, and nothing in them that a terminal obeys. Nor half a
 * surrogate pair where one was cut: Postgres takes none, and one such text would keep all
 * that is written with it from being written, again and again.
 */
function shortText(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = printable(text.slice(0, LONGEST));
  const whole = text.length <= LONGEST && shown.length <= LONGEST;
  return whole ? shown : `${shown.slice(0, LONGEST).toWellFormed()}…`;
}
