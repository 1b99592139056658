import type { ConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import { toTimestamp } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import { sql } from 'kysely';

/** How often at most a connection is written, in milliseconds. */
const EVERY_MS = 3_000;
/**
 * What says that nothing gets through: a token that is good no more, a right or an address
 * that is missing, a body that cannot be read, a fault of ours. A look for somebody who is
 * not there, and a conflict, are answers.
 */
const FAILING = new Set([400, 401, 403, 413, 415]);

interface Seen {
  /** Since the last success. */
  failures: number;
  since: EpochMs;
  lastAt: EpochMs;
  code: string;
  succeeded: boolean;
}

/**
 * Writes down which SCIM clients fail, for `scim.failing`. Counted in memory and written
 * together, every few seconds: no request waits for it or fails for it.
 */
export class ScimHealth {
  readonly #db: Database;
  readonly #log: Log;
  readonly #everyMs: number;
  #seen = new Map<ConnectionId, Seen>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(db: Database, log: Log, everyMs: number = EVERY_MS) {
    this.#db = db;
    this.#log = log;
    this.#everyMs = everyMs;
  }

  /** Counts an answer. `code` is of an error; null where there was none. */
  note(connectionId: ConnectionId, status: number, code: string | null, now: EpochMs): void {
    const failing = status >= 500 || FAILING.has(status);
    if (!failing && status >= 400) return;
    const before = this.#seen.get(connectionId);
    const head = { lastAt: now, code: code ?? 'scim.failed' };
    if (!failing) {
      this.#seen.set(connectionId, { ...head, failures: 0, since: now, succeeded: true });
    } else {
      const { failures = 0, since = now, succeeded = false } = before ?? {};
      const first = failures === 0 ? now : since;
      this.#seen.set(connectionId, { ...head, failures: failures + 1, since: first, succeeded });
    }
    this.#timer ??= setTimeout(() => void this.write(), this.#everyMs).unref();
  }

  /** Writes what was counted, after what is being written. Never throws: what could not be written is forgotten. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeSeen());
    return this.#writing;
  }

  async #writeSeen(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const seen = this.#seen;
    this.#seen = new Map();
    try {
      // In the order of the key, as every process writes them.
      for (const [id, one] of [...seen].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (one.succeeded) await this.#clear(id);
        if (one.failures > 0) await this.#add(id, one);
      }
    } catch (error) {
      this.#log.warn({ event: 'scim.health_not_kept', err: error });
    }
  }

  async #clear(id: ConnectionId): Promise<void> {
    await sql`delete from scim_failures where connection_id = ${id}`.execute(this.#db);
  }

  async #add(id: ConnectionId, { failures, since, lastAt, code }: Seen): Promise<void> {
    await sql`
      insert into scim_failures as kept (connection_id, failures, since, last_at, code)
      values (${id}, ${failures}, ${toTimestamp(since)}, ${toTimestamp(lastAt)}, ${code})
      on conflict (connection_id) do update
        set failures = kept.failures + excluded.failures, last_at = excluded.last_at,
            code = excluded.code`.execute(this.#db);
  }
}
