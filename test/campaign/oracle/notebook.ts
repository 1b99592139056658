import type { Hearing } from '../answers.ts';
import type { LedgerRow } from '../ledger.ts';
import type { Company } from '../world.ts';
import { doubtOf } from './evidence.ts';
import { Mirror, type UserRow } from './mirror.ts';
import { PlanBook } from './plan-book.ts';

/** What is promised, as the campaign's page has it. */
export type Promise_ =
  | 'evidence'
  | 'no_leaver_left'
  | 'trail'
  | 'undo'
  | 'brake'
  | 'left_alone'
  | 'cause'
  | 'sessions'
  | 'fence'
  | 'same_end'
  | 'roles'
  | 'waves'
  | 'alive';

export interface Violation {
  readonly promise: Promise_;
  readonly what: string;
}

/** Who wrote in a step, as the harness knows it. */
export interface Writer {
  readonly role: 'worker' | 'door' | 'operator' | 'scim' | 'harness';
  readonly name: string;
}

/** What the oracle is told besides what it reads itself. */
export interface Facts {
  readonly confirmAfterMs: number;
  companyOf(connection: string): Company;
  /** The truth about somebody at a true time. */
  standingAt(id: string, when: number): string;
  /** Whether the configuration protects a subject. */
  isProtected(subject: string): boolean;
  /** Everything that directories said, oldest first. */
  readonly hearings: readonly Hearing[];
  /** Runs whose plan a person has approved. */
  readonly approved: ReadonlySet<string>;
  /** Where in the order of events each sign-in was stored, by user and time. */
  readonly signIns: ReadonlyMap<string, number>;
  /** Rows of listings whose size a person has accepted, by run. */
  readonly acceptedSizes: ReadonlyMap<string, number>;
}

/** What rested on false answers that could not be told from true ones. */
export interface Residue {
  readonly kind: 'removed' | 'restored' | 'roles_lost';
  readonly faults: readonly string[];
}

/** What the oracle has seen of a run, and what came out of it. */
export class Notebook {
  readonly mirror = new Mirror();
  readonly plans = new PlanBook();
  readonly violations: Violation[] = [];
  readonly residues: Residue[] = [];
  /** How often each kind of thing happened. */
  readonly seen = new Map<string, number>();
  readonly facts: Facts;
  readonly #hearingOfRun = new Map<string, Hearing>();
  readonly #runs: { id: string; connection: string; complete: boolean; rows: number }[] = [];

  constructor(facts: Facts) {
    this.facts = facts;
  }

  blame(promise: Promise_, what: string): void {
    this.violations.push({ promise, what });
  }

  count(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }

  /** What the directory said to the sweep that is the run. */
  hearingOf(run: string): Hearing | undefined {
    return this.#hearingOfRun.get(run);
  }

  /** Where in the order of events the last sign-in of somebody was stored; null: none was. */
  signedInOrder(user: UserRow): number | null {
    if (user.last_assertion_at === null) return null;
    return this.facts.signIns.get(`${user.id} ${Date.parse(user.last_assertion_at)}`) ?? null;
  }

  /** Whether nothing automatic may take access from somebody. */
  isGuarded(user: UserRow): boolean {
    return user.protected || user.protected_by_admin || this.facts.isProtected(user.subject);
  }

  /** Why the listing of a run proves nothing; null where it proves. */
  doubtAbout(run: string, connection: string): string | null {
    const own = this.hearingOf(run);
    return own === undefined
      ? 'there was none'
      : doubtOf(own, this.lastRowsBefore(run, connection));
  }

  /** The rows of the last listing of a connection that counted before a run. */
  lastRowsBefore(run: string, connection: string): number | null {
    const before = this.#runs.slice(
      0,
      this.#runs.findIndex((one) => one.id === run),
    );
    for (const one of before.reverse()) {
      if (one.connection !== connection) continue;
      const accepted = this.facts.acceptedSizes.get(one.id);
      if (accepted !== undefined) return accepted;
      if (one.complete) return one.rows;
    }
    return null;
  }

  /** The hearings before a run whose listings counted. */
  countedBefore(run: string, connection: string): readonly Hearing[] {
    const before = this.#runs.slice(
      0,
      this.#runs.findIndex((one) => one.id === run),
    );
    return before.flatMap(({ id, connection: of, complete }) =>
      complete && of === connection ? (this.#hearingOfRun.get(id) ?? []) : [],
    );
  }

  /** Takes in a row of `sweep_runs`. */
  run(row: LedgerRow, writer: Writer): void {
    const run = row.new as Record<string, unknown>;
    const id = String(run.id);
    if (row.op === 'INSERT') {
      const hearing = this.facts.hearings.find(({ name }) => name === writer.name);
      if (hearing !== undefined) this.#hearingOfRun.set(id, hearing);
      this.#runs.push({ id, connection: String(run.connection_id), complete: false, rows: 0 });
      return;
    }
    const known = this.#runs.find((one) => one.id === id);
    if (known === undefined) return;
    const hearing = this.#hearingOfRun.get(id);
    const isComplete = run.snapshot_kind === 'complete';
    // Where there is no directory, there is nothing that a listing could prove.
    const alone = this.facts.companyOf(known.connection).silence?.alone === true;
    if (isComplete && !known.complete && hearing !== undefined && !alone) {
      const doubt = doubtOf(hearing, this.lastRowsBefore(id, known.connection));
      if (doubt !== null)
        this.blame('evidence', `the listing of ${hearing.name} counts, and ${doubt}`);
    }
    known.complete = isComplete;
    known.rows = Number(run.rows ?? 0);
  }
}
