import type { Tables } from '@rollcall/shared/db/tables';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** Somebody of ours who works on the database: a worker, the door, an operator. */
export type Role = 'worker' | 'door' | 'operator' | 'harness';

/** What a process meets at one of its statements or calls. */
export interface Trouble {
  /** At which statement or call, counted from 1. */
  readonly at: number;
  readonly when: 'before' | 'after';
  /** `kill`: SIGKILL. `sever`: Postgres ends its connection. `pause`: others act meanwhile. */
  readonly kind: 'kill' | 'sever' | 'pause';
  /** What the others do, where it is a pause: never while the process is in a transaction. */
  readonly meanwhile?: () => Promise<void>;
}

export class Killed extends Error {
  override readonly name = 'Killed';
}

/** A statement that is longer is not worth being prepared. */
const LONGEST_PREPARED = 4_000;

/** Connections that processes of a run share one after the other. */
export class Clients {
  readonly #url: string;
  readonly #idle: pg.Client[] = [];
  readonly #all = new Set<pg.Client>();
  readonly #names = new Map<string, string>();

  constructor(url: string) {
    this.#url = url;
  }

  async take(): Promise<pg.Client> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'campaign',
      pipeline: true,
    });
    client.on('error', () => undefined);
    await client.connect();
    this.#all.add(client);
    return client;
  }

  give(client: pg.Client): void {
    if (this.#all.has(client)) this.#idle.push(client);
  }

  /** Cuts the line, as the end of a process does: nothing more is sent. */
  cut(client: pg.Client): void {
    this.#all.delete(client);
    (
      client as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
  }

  /** Under which name a statement is prepared: planning is most of what it costs. */
  nameOf(text: string): string | undefined {
    if (text.length > LONGEST_PREPARED) return undefined;
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    if (this.#names.size > 600) return undefined;
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#all].map((client) => client.end()));
  }
}

/** One process: everything that it says to the database or to a directory passes here. */
export class Process {
  readonly db: Kysely<Tables>;
  /** The server's processes that have worked for it. */
  readonly backends = new Set<number>();
  /** How many statements and calls there were. */
  count = 0;
  killed = false;
  /** Whether Postgres has ended one of its connections. */
  severed = false;
  readonly role: Role;
  readonly name: string;
  readonly #clients: Clients;
  readonly #troubles: Trouble[];
  readonly #held = new Set<pg.Client>();
  readonly #broken = new WeakSet<pg.Client>();
  readonly #met: (trouble: Trouble) => void;
  #inTransaction = 0;
  /** While others act: whatever the process does side by side stands still, too. */
  #pausing: Promise<void> | null = null;
  readonly #sever: (pid: number) => Promise<void>;

  constructor(options: {
    readonly role: Role;
    readonly name: string;
    readonly clients: Clients;
    readonly troubles?: readonly Trouble[];
    readonly sever: (pid: number) => Promise<void>;
    readonly met?: (trouble: Trouble) => void;
  }) {
    this.role = options.role;
    this.name = options.name;
    this.#clients = options.clients;
    this.#troubles = [...(options.troubles ?? [])].sort((a, b) => a.at - b.at);
    this.#sever = options.sever;
    this.#met = options.met ?? (() => undefined);
    const pool = { connect: () => this.#connect(), end: async () => undefined };
    this.db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool as never }) });
  }

  /** Passes one call to a directory through. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    const trouble = await this.#arrive(null);
    const result = await work();
    this.#leave(trouble);
    if (this.killed) throw new Killed();
    return result;
  }

  /** Ends the process as SIGKILL does. */
  kill(): void {
    this.killed = true;
    for (const client of this.#held) {
      this.#broken.add(client);
      this.#clients.cut(client);
    }
  }

  async #connect(): Promise<unknown> {
    if (this.killed) throw new Killed();
    const client = await this.#clients.take();
    this.backends.add((client as unknown as { processID: number }).processID);
    this.#held.add(client);
    let open = false;
    return {
      query: async (text: string, values: unknown[]) => {
        const begins = text.startsWith('start transaction') || text === 'begin';
        if (begins) {
          open = true;
          this.#inTransaction += 1;
        }
        try {
          return await this.#query(client, text, values, begins);
        } finally {
          if (open && (text === 'commit' || text === 'rollback')) {
            open = false;
            this.#inTransaction -= 1;
          }
        }
      },
      release: () => {
        this.#held.delete(client);
        if (open) this.#inTransaction -= 1;
        if (!this.#broken.has(client)) this.#clients.give(client);
      },
    };
  }

  async #query(
    client: pg.Client,
    text: string,
    values: unknown[],
    begins: boolean,
  ): Promise<pg.QueryResult> {
    const trouble = await this.#arrive(client, begins);
    if (this.#broken.has(client)) throw new Error('the connection is broken');
    if (begins) return this.#begin(client, text, trouble);
    const name = values.length > 0 ? this.#clients.nameOf(text) : undefined;
    try {
      const result = await client.query({ text, values, ...(name === undefined ? {} : { name }) });
      this.#leave(trouble);
      if (this.killed) throw new Killed();
      return result;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code?.startsWith('57') === true) {
        this.#broken.add(client);
        this.#clients.cut(client);
      }
      throw error;
    }
  }

  /**
   * The beginning of a transaction travels with its first statement: a seventh of all waiting
   * saved. Where it fails, that statement does.
   */
  #begin(client: pg.Client, text: string, trouble: Trouble | null): pg.QueryResult {
    client.query(text).catch(() => undefined);
    this.#leave(trouble);
    if (this.killed) throw new Killed();
    return { command: 'START', rowCount: null, oid: 0, fields: [], rows: [] };
  }

  /** Counts, and meets what is to happen before. Answers with what happens after. */
  async #arrive(client: pg.Client | null, begins = false): Promise<Trouble | null> {
    while (this.#pausing !== null) await this.#pausing;
    if (this.killed) throw new Killed();
    this.count += 1;
    const [next] = this.#troubles;
    if (next === undefined || next.at > this.count) return null;
    const free = this.#inTransaction === 0 || (begins && this.#inTransaction === 1);
    if (next.kind === 'pause' && !free) return null;
    if (next.kind === 'sever' && client === null) return null;
    this.#troubles.shift();
    if (next.kind === 'kill' && next.when === 'after') return next;
    this.#met(next);
    if (next.kind === 'pause') await this.#pause(next);
    else if (next.kind === 'kill') {
      this.kill();
      throw new Killed();
    } else if (client !== null) {
      this.severed = true;
      await this.#sever((client as unknown as { processID: number }).processID);
    }
    return null;
  }

  async #pause({ meanwhile }: Trouble): Promise<void> {
    this.#pausing = meanwhile?.() ?? Promise.resolve();
    try {
      await this.#pausing;
    } finally {
      this.#pausing = null;
    }
  }

  #leave(trouble: Trouble | null): void {
    if (trouble === null) return;
    this.#met(trouble);
    this.kill();
  }
}
