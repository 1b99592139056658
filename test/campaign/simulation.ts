import { AppError } from '@rollcall/shared/core/errors';
import type pg from 'pg';
import type { Hearing } from './answers.ts';
import type { CampaignDatabase } from './campaign-database.ts';
import { Killed, Process, type Role, type Trouble } from './gate.ts';
import { FaultyQueue } from './job-queue.ts';
import { readLedger } from './ledger.ts';
import type { Violation, Writer } from './oracle/notebook.ts';
import { Oracle } from './oracle/oracle.ts';
import { Random } from './random.ts';
import { themeOf } from './theme.ts';
import { SECOND, VirtualTime } from './virtual-time.ts';
import {
  CONFIRM_AFTER,
  type Company,
  makeWorld,
  type Person,
  standingAt,
  type World,
} from './world.ts';

/**
 * One run of the campaign: companies, their directories, time, our processes and their
 * queue, and the oracle. What people and processes do is told in the files of each: the
 * door, sweeping, operators, administrators.
 */
export class Simulation {
  readonly time = new VirtualTime();
  readonly world: World;
  readonly oracle: Oracle;
  readonly hearings: Hearing[] = [];
  readonly history: string[] = [];
  readonly counts = new Map<string, number>();
  readonly queue: FaultyQueue;
  /** Draws the ids of what is made. */
  readonly random: Random;
  /** Runs whose plan a person has approved. */
  readonly approved = new Set<string>();
  /** Where in the order of events each sign-in was stored, by user and time. */
  readonly signIns = new Map<string, number>();
  /** Rows of listings whose size a person has accepted, by run. */
  readonly acceptedSizes = new Map<string, number>();
  sweeps = 0;
  /** How many processes there have been. */
  processes = 0;
  readonly #database: CampaignDatabase;
  readonly #crashedAt = new Map<string, number>();
  #ledger: number;
  #order = 0;

  constructor(seed: string, database: CampaignDatabase) {
    this.#database = database;
    this.#ledger = database.ledgerBegin;
    this.random = new Random(`${seed} ids`);
    this.world = makeWorld(new Random(`${seed} world`), this.time.now, themeOf(seed));
    this.queue = new FaultyQueue(
      new Random(`${seed} jobs`),
      () => this.time.now,
      (name) => this.count(name),
    );
    this.oracle = this.#makeOracle();
  }

  get violations(): readonly Violation[] {
    return this.oracle.violations;
  }

  /** The harness's own line to the database. */
  get harness(): pg.Client {
    return this.#database.harness;
  }

  personOf(subject: string): Person | undefined {
    for (const { people } of this.world.companies) {
      const person = people.get(subject);
      if (person !== undefined) return person;
    }
    return undefined;
  }

  /** The record of somebody, as the oracle knows it. */
  userOf(company: Company, subject: string): string | null {
    for (const user of this.oracle.mirror.users.values()) {
      if (user.subject === subject && user.connection_id === company.id) return user.id;
    }
    return null;
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  tell(line: string): void {
    const at = new Date(this.time.now).toISOString().slice(5, 19);
    this.history.push(`${at} ${line}`);
  }

  /** The next number in the order of everything that happens. */
  nextOrder(): number {
    return ++this.#order;
  }

  /** So much time passes without us that nobody holds a lease any more. */
  async expireLease(company: Company): Promise<void> {
    this.time.pass(31 * SECOND);
    await this.harness.query(
      `update sweep_leases set expires_at = clock_timestamp() - interval '1 second' where connection_id = $1`,
      [company.id],
    );
    this.#crashedAt.delete(company.id);
  }

  /** Somebody died at a company, and may have left its lease behind. */
  noteCrash(company: Company): void {
    this.#crashedAt.set(company.id, this.time.now);
  }

  crashed(company: Company): boolean {
    return this.#crashedAt.has(company.id);
  }

  /** Hands the oracle what a process has written. Between two processes, and after each. */
  async flush(process: Process): Promise<void> {
    const rows = await readLedger(this.harness, this.#ledger);
    this.#ledger = rows.at(-1)?.seq ?? this.#ledger;
    const harness: Writer = { role: 'harness', name: 'harness' };
    this.oracle.observe(rows, (pid) => (process.backends.has(pid) ? process : harness));
  }

  process(role: Role, name: string, troubles: readonly Trouble[] = []): Process {
    const process: Process = new Process({
      role,
      name,
      clients: this.#database.clients,
      sever: (pid) => this.#database.sever(pid),
      troubles: troubles.map((trouble) => {
        const { meanwhile } = trouble;
        if (meanwhile === undefined) return trouble;
        const others = async (): Promise<void> => {
          await this.flush(process);
          await meanwhile();
        };
        return { ...trouble, meanwhile: others };
      }),
      met: (trouble) => {
        this.count(`trouble ${trouble.kind}`);
        this.tell(`  ${name}: ${trouble.kind} ${trouble.when} step ${process.count}`);
      },
    });
    return process;
  }

  /** A refusal has a code; a process that was killed says nothing more. All else is a fault of ours. */
  expect(error: unknown, what: string, process: Process): string {
    if (error instanceof Killed || process.killed) return 'killed';
    if (error instanceof AppError) return error.code;
    if (process.severed) return 'severed';
    this.oracle.blame('alive', `${what}: ${error instanceof Error ? error.stack : String(error)}`);
    return 'failed';
  }

  #makeOracle(): Oracle {
    const company = (id: string): Company => {
      const one = this.world.companies.find((each) => each.id === id);
      if (one === undefined) throw new RangeError(`there is no ${id}`);
      return one;
    };
    return new Oracle({
      confirmAfterMs: CONFIRM_AFTER,
      companyOf: company,
      standingAt: (id, when) => {
        const person = this.personOf(id);
        return person === undefined ? 'gone' : standingAt(person, when);
      },
      isProtected: (subject) => this.personOf(subject)?.protected === true,
      hearings: this.hearings,
      approved: this.approved,
      signIns: this.signIns,
      acceptedSizes: this.acceptedSizes,
    });
  }
}
