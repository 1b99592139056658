import type { LedgerRow } from '../ledger.ts';
import { PRIVILEGED } from '../world.ts';
import type { Access } from './mirror.ts';
import { type Facts, Notebook, type Promise_, type Writer } from './notebook.ts';
import { SweepWatch } from './sweep-watch.ts';
import { type AuditRow, gapsOf } from './trail.ts';
import { UndoWatch } from './undo-watch.ts';

/**
 * Watches every row that is written, and holds it against the truth of the world and what
 * the directories said. Knows tables and words of the manual, and none of the product's code.
 */
export class Oracle {
  readonly #notebook: Notebook;
  readonly #sweeps: SweepWatch;
  readonly #undos: UndoWatch;
  readonly #fences = new Map<string, number>();
  /** Whom an administrator had shut out when they were purged, by connection and subject. */
  readonly #shutOut = new Map<string, string>();

  constructor(facts: Facts) {
    this.#notebook = new Notebook(facts);
    this.#undos = new UndoWatch(this.#notebook);
    this.#sweeps = new SweepWatch(this.#notebook, this.#undos);
  }

  get mirror() {
    return this.#notebook.mirror;
  }

  get plans() {
    return this.#notebook.plans;
  }

  get violations() {
    return this.#notebook.violations;
  }

  get residues() {
    return this.#notebook.residues;
  }

  get seen() {
    return this.#notebook.seen;
  }

  /** Takes in what was written in a step. */
  observe(rows: readonly LedgerRow[], writerOf: (pid: number) => Writer): void {
    const last = new Map<string, number>();
    for (const row of rows) last.set(row.tx, row.seq);
    const order = [...last.keys()].sort((a, b) => (last.get(a) ?? 0) - (last.get(b) ?? 0));
    const byTx = Map.groupBy(rows, (row) => row.tx);
    for (const tx of order) {
      const own = byTx.get(tx) ?? [];
      const [first] = own;
      if (first !== undefined) this.#transaction(own, writerOf(first.pid));
    }
  }

  blame(promise: Promise_, what: string): void {
    this.#notebook.blame(promise, what);
  }

  /** How many of its connection had access when the plan of a run was begun. */
  populationOf(run: string): number {
    return this.#notebook.plans.populationOf(run);
  }

  #transaction(rows: readonly LedgerRow[], writer: Writer): void {
    this.#fence(rows, writer);
    const audits = rows.flatMap((row) =>
      row.tab === 'audit_events' ? [row.new as unknown as AuditRow] : [],
    );
    for (const { kind, reason, actor } of audits)
      this.#notebook.count(`audit ${kind} ${actor.kind} ${reason ?? ''}`.trim());
    const touched = new Set(rows.flatMap((row) => userOf(row) ?? []));
    const before = new Map([...touched].map((id) => [id, this.mirror.accessOf(id)]));
    const holders = this.mirror.holders(PRIVILEGED);
    for (const row of rows) {
      this.mirror.apply(row);
      if (row.tab === 'sweep_runs') this.#notebook.run(row, writer);
      if (row.tab === 'plans') {
        this.plans.note(row, (connection) => this.mirror.population(connection));
      }
    }
    if (writer.role === 'harness') return;
    for (const id of touched) {
      const was = before.get(id);
      if (was === undefined) continue;
      const is = this.mirror.accessOf(id);
      const own = audits.filter((row) => row.user_id === id);
      this.#user(was, is, own, rows, writer);
    }
    this.#lastAdmins(holders, audits, writer);
  }

  #fence(rows: readonly LedgerRow[], { role, name }: Writer): void {
    for (const row of rows) {
      const connection = String(row.new?.connection_id ?? row.old?.connection_id);
      const key = `${name} ${connection}`;
      if (row.tab === 'sweep_leases') {
        this.#fences.set(key, Number(row.fence));
        continue;
      }
      const own = this.#fences.get(key);
      if (['door', 'scim', 'harness'].includes(role) || own === undefined || row.fence === null)
        continue;
      this.#notebook.count('checked write with a lease');
      if (own === Number(row.fence)) continue;
      this.blame(
        'fence',
        `${name} wrote ${row.tab} with fence ${own} while ${row.fence} was given out`,
      );
    }
  }

  #user(
    before: Access,
    after: Access,
    audits: readonly AuditRow[],
    rows: readonly LedgerRow[],
    writer: Writer,
  ): void {
    const user = after.user ?? before.user;
    if (user === null) return;
    const messages = rows.filter((row) => row.tab === 'outbox' && row.new?.user_id === user.id);
    const single = writer.role !== 'door';
    this.#notebook.count('checked change of access');
    for (const gap of gapsOf({ before, after, audits, messages, single })) {
      this.blame('trail', `${user.subject}, by ${writer.name}: ${gap}`);
    }
    if (after.user !== null && after.user.cause !== null && after.live.size > 0) {
      this.blame('sessions', `${user.subject} has ${after.live.size} live sessions and no access`);
    }
    this.#undos.confirmed(before, after);
    this.#cause(before, after, audits, writer);
    this.#purged(before, after, audits);
    const change = audits.find((row) => row.after !== null);
    if (writer.role === 'worker' || change?.actor.kind === 'sweep') {
      this.#sweeps.see(before, after, change ?? null, writer);
    }
    const undone = audits.find((row) => row.kind === 'user.undone');
    if (undone !== undefined) this.#undos.see(after, undone);
  }

  /** Only the same cause lets somebody in again. */
  #cause(before: Access, after: Access, audits: readonly AuditRow[], writer: Writer): void {
    const [was, is] = [before.user?.cause ?? null, after.user?.cause ?? null];
    const actor = audits.find((row) => row.after !== null)?.actor.kind ?? 'nobody';
    const subject = before.user?.subject;
    if (
      was === 'admin' &&
      is !== 'admin' &&
      !(writer.role === 'operator' && actor === 'operator')
    ) {
      this.blame('cause', `${subject}, shut out by an administrator, was let in by ${actor}`);
    }
    const silent = before.user?.state_reason === 'silent';
    const connection = before.user?.connection_id;
    const alone =
      connection !== undefined &&
      this.#notebook.facts.companyOf(connection).silence?.alone === true;
    if (was === 'sweep' && is === null && actor === 'assertion' && !silent && !alone) {
      this.blame('cause', `${subject}, shut out by the sweep, was let in by signing in`);
    }
    if (was === 'scim' && is === null && !['scim', 'operator'].includes(actor)) {
      this.blame('cause', `${subject}, set inactive by SCIM, was let in by ${actor}`);
    }
    const newcomer = before.user === null ? after.user : null;
    if (newcomer === null) return;
    const shutBy = this.#shutOut.get(`${newcomer.connection_id} ${newcomer.subject}`);
    if (shutBy !== 'admin' && shutBy !== 'scim') return;
    this.blame('cause', `${newcomer.subject}, purged while shut out by ${shutBy}, is back`);
  }

  /** Nothing is left of whoever is purged, and only those who have no access are. */
  #purged(before: Access, after: Access, audits: readonly AuditRow[]): void {
    if (!audits.some(({ kind }) => kind === 'user.purged')) return;
    const [was, is] = [before.user, after.user];
    if (was === null || is === null) return;
    this.#notebook.count('checked purge');
    this.#shutOut.set(`${was.connection_id} ${was.subject}`, was.cause ?? '');
    if (was.cause === null || was.state !== 'purge_eligible') {
      this.blame('left_alone', `${was.subject} was purged while ${was.state}`);
    }
    if (this.#notebook.isGuarded(was)) {
      this.blame('left_alone', `${was.subject} is protected, and was purged`);
    }
    if (is.subject.includes(was.subject) || is.directory_id !== null || is.groups !== null) {
      this.blame('trail', `of ${was.subject}, who was purged, something is left`);
    }
    if (after.grants.length + after.live.size > 0) {
      this.blame('trail', `${was.subject} was purged, and holds roles or sessions`);
    }
  }

  #lastAdmins(before: readonly string[], audits: readonly AuditRow[], writer: Writer): void {
    const after = this.mirror.holders(PRIVILEGED);
    if (after.length >= before.length) return;
    const byPerson = audits.some(({ actor }) => actor.kind === 'operator' || actor.kind === 'undo');
    const needed = byPerson ? 1 : 2;
    if (after.length >= needed) return;
    this.blame('left_alone', `${writer.name} left ${after.length} who are ${PRIVILEGED}`);
  }
}

function userOf(row: LedgerRow): string | null {
  const data = row.new ?? row.old;
  if (row.tab === 'users') return String(data?.id);
  return ['grants', 'sessions'].includes(row.tab) ? String(data?.user_id) : null;
}
