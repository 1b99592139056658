import type { Hearing } from '../answers.ts';
import type { LedgerRow } from '../ledger.ts';
import { PRIVILEGED, ROLE_OF, type RolesMode } from '../world.ts';
import { doubtOf, judgeRemoval, misleads } from './evidence.ts';
import { brokenLimit, type Percents, type Taking } from './limits.ts';
import { type Access, type GrantRow, hasAccess, Mirror, type UserRow } from './mirror.ts';
import { type AuditRow, gapsOf } from './trail.ts';

/** What is promised, by the numbers of the campaign's page. */
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
  | 'alive';

export interface Violation {
  readonly promise: Promise_;
  readonly what: string;
}

/** Who wrote in a step, as the harness knows it. */
export interface Writer {
  readonly role: 'worker' | 'door' | 'operator' | 'harness';
  readonly name: string;
}

/** What the oracle is told besides what it reads itself. */
export interface Facts {
  readonly confirmAfterMs: number;
  percentsOf(connection: string): Percents;
  rolesModeOf(connection: string): RolesMode;
  /** How often somebody must be missing where nobody can be asked; null: they can. */
  missesOf(connection: string): { readonly needed: number; readonly apartMs: number } | null;
  /** The truth about somebody at a true time. */
  standingAt(id: string, when: number): string;
  modeOf(connection: string): string;
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

interface Line {
  readonly before: Access;
  readonly version: number;
  confirmedSince: boolean;
}

/**
 * Watches every row that is written, and holds it against the truth of the world and what
 * the directories said. Knows tables and words of the manual, and none of the product's code.
 */
export class Oracle {
  readonly mirror = new Mirror();
  readonly violations: Violation[] = [];
  readonly residues: Residue[] = [];
  /** How often each kind of thing happened. */
  readonly seen = new Map<string, number>();
  readonly #facts: Facts;
  readonly #hearingOfRun = new Map<string, Hearing>();
  readonly #runs: { id: string; connection: string; complete: boolean; rows: number }[] = [];
  readonly #population = new Map<string, number>();
  readonly #takings = new Map<string, Taking[]>();
  readonly #fences = new Map<string, number>();
  readonly #lines = new Map<string, Line>();

  constructor(facts: Facts) {
    this.#facts = facts;
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
    this.violations.push({ promise, what });
  }

  count(name: string): void {
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
  }

  /** How many of its connection had access when the plan of a run was begun. */
  populationOf(run: string): number {
    return this.#population.get(run) ?? 0;
  }

  /** The rows of the last listing of a connection that counted before a run. */
  lastRowsBefore(run: string, connection: string): number | null {
    const before = this.#runs.slice(
      0,
      this.#runs.findIndex((one) => one.id === run),
    );
    for (const one of before.reverse()) {
      if (one.connection !== connection) continue;
      const accepted = this.#facts.acceptedSizes.get(one.id);
      if (accepted !== undefined) return accepted;
      if (one.complete) return one.rows;
    }
    return null;
  }

  #transaction(rows: readonly LedgerRow[], writer: Writer): void {
    this.#fence(rows, writer);
    const audits = rows.flatMap((row) =>
      row.tab === 'audit_events' ? [row.new as unknown as AuditRow] : [],
    );
    for (const { kind, reason, actor } of audits)
      this.count(`audit ${kind} ${actor.kind} ${reason ?? ''}`.trim());
    const touched = new Set(rows.flatMap((row) => userOf(row) ?? []));
    const before = new Map([...touched].map((id) => [id, this.mirror.accessOf(id)]));
    const holders = this.mirror.holders(PRIVILEGED);
    for (const row of rows) {
      this.mirror.apply(row);
      if (row.tab === 'sweep_runs') this.#run(row, writer);
      if (row.tab === 'plans' && row.op === 'INSERT') {
        const { run_id, connection_id } = row.new as Record<string, string>;
        this.#population.set(String(run_id), this.mirror.population(String(connection_id)));
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

  #run(row: LedgerRow, writer: Writer): void {
    const run = row.new as Record<string, unknown>;
    const id = String(run.id);
    if (row.op === 'INSERT') {
      const hearing = this.#facts.hearings.find(({ name }) => name === writer.name);
      if (hearing !== undefined) this.#hearingOfRun.set(id, hearing);
      this.#runs.push({ id, connection: String(run.connection_id), complete: false, rows: 0 });
      return;
    }
    const known = this.#runs.find((one) => one.id === id);
    if (known === undefined) return;
    const hearing = this.#hearingOfRun.get(id);
    const isComplete = run.snapshot_kind === 'complete';
    if (isComplete && !known.complete && hearing !== undefined) {
      const doubt = doubtOf(hearing, this.lastRowsBefore(id, known.connection));
      if (doubt !== null)
        this.blame('evidence', `the listing of ${hearing.name} counts, and ${doubt}`);
    }
    known.complete = isComplete;
    known.rows = Number(run.rows ?? 0);
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
      if (role === 'door' || role === 'harness' || own === undefined || row.fence === null)
        continue;
      this.count('checked write with a lease');
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
    this.count('checked change of access');
    for (const gap of gapsOf({ before, after, audits, messages, single })) {
      this.blame('trail', `${user.subject}, by ${writer.name}: ${gap}`);
    }
    if (after.user !== null && after.user.cause !== null && after.live.size > 0) {
      this.blame('sessions', `${user.subject} has ${after.live.size} live sessions and no access`);
    }
    this.#confirmed(before, after);
    this.#cause(before, after, audits, writer);
    const change = audits.find((row) => row.after !== null);
    if (writer.role === 'worker' || change?.actor.kind === 'sweep') {
      this.#sweep(before, after, change ?? null, writer);
    }
    const undone = audits.find((row) => row.kind === 'user.undone');
    if (undone !== undefined) this.#undo(after, undone);
  }

  /** What a directory confirms changes neither version nor access; an undo leaves it as it is. */
  #confirmed(before: Access, after: Access): void {
    if (before.user === null || after.user === null) return;
    if (before.user.version !== after.user.version) return;
    if (before.user.last_confirmed_at === after.user.last_confirmed_at) return;
    for (const [key, line] of this.#lines) {
      if (key.endsWith(after.user.id)) line.confirmedSince = true;
    }
  }

  #cause(before: Access, after: Access, audits: readonly AuditRow[], writer: Writer): void {
    const [was, is] = [before.user?.cause ?? null, after.user?.cause ?? null];
    if (was !== 'admin' || is === 'admin') return;
    const actor = audits.find((row) => row.after !== null)?.actor.kind ?? 'nobody';
    if (writer.role === 'operator' && actor === 'operator') return;
    this.blame(
      'cause',
      `${before.user?.subject}, shut out by an administrator, was let in by ${actor}`,
    );
  }

  #sweep(before: Access, after: Access, change: AuditRow | null, writer: Writer): void {
    const { user } = before;
    if (user === null || after.user === null) {
      this.blame('left_alone', `${writer.name} made or deleted a user`);
      return;
    }
    const lost = before.roles.filter((role) => !after.roles.includes(role));
    const gained = after.roles.filter((role) => !before.roles.includes(role));
    const moved = user.state !== after.user.state || user.cause !== after.user.cause;
    if (!moved && lost.length + gained.length === 0) return;
    const run = String(change?.actor.runId ?? '');
    if (change?.actor.kind !== 'sweep') {
      this.blame(
        'trail',
        `${user.subject} was changed by ${writer.name} in the name of ${change?.actor.kind}`,
      );
      return;
    }
    const takes = hasAccess(user) && (!hasAccess(after.user) || lost.length > 0);
    const worsens = takes || ['suspected', 'contained'].includes(after.user.state);
    if (user.owner !== 'roll')
      this.blame('left_alone', `${user.subject} is owned by ${user.owner}, and was swept`);
    if (worsens && moved && this.#isGuarded(user)) {
      this.blame('left_alone', `${user.subject} is protected, and became ${after.user.state}`);
    }
    if (lost.length > 0 && this.#isGuarded(user)) {
      this.blame('left_alone', `${user.subject} is protected, and lost ${lost.join(', ')}`);
    }
    if (this.#facts.modeOf(user.connection_id) === 'observe') {
      this.blame('brake', `${user.subject} was changed where the sweep only observes`);
    }
    this.#lines.set(`${run} ${user.id}`, {
      before,
      version: after.user.version,
      confirmedSince: false,
    });
    if (after.user.state === 'contained' && user.state !== 'contained') {
      this.#containment(user, change, run);
    }
    if (hasAccess(user) && !hasAccess(after.user)) this.#removal(user, before, change, run);
    else if (!hasAccess(user) && hasAccess(after.user)) this.#return(user, change, run);
    if (lost.length + gained.length > 0) this.#roles(before, after, lost, gained, change, run);
  }

  #isGuarded(user: UserRow): boolean {
    return user.protected || user.protected_by_admin || this.#facts.isProtected(user.subject);
  }

  #removal(user: UserRow, before: Access, change: AuditRow, run: string): void {
    const reason = change.reason ?? '';
    this.count('checked removal');
    const own = this.#hearingOfRun.get(run);
    if (own === undefined || user.directory_id === null) {
      this.blame('evidence', `${user.subject} was removed (${reason}) by a run that heard nothing`);
      return;
    }
    if (reason === 'absent_repeatedly' && user.state !== 'contained') {
      this.blame('evidence', `${user.subject} was removed without having been asked for a sign-in`);
    }
    const verdict = judgeRemoval({
      misses: this.#facts.missesOf(user.connection_id),
      truth: this.#facts.standingAt(user.directory_id, own.begunTruly),
      counted: this.#countedBefore(run, user.connection_id),
      id: user.directory_id,
      reason,
      own,
      hearings: this.#facts.hearings.filter(({ company }) => company === own.company),
      lastRows: this.lastRowsBefore(run, user.connection_id),
      signedInOrder: this.#signedInOrder(user),
      confirmAfterMs: this.#facts.confirmAfterMs,
    });
    if (verdict.kind === 'wrong') {
      this.blame(
        'evidence',
        `${user.subject} was removed (${reason}) by ${own.name}: ${verdict.because}`,
      );
    } else if (verdict.kind === 'lie') {
      this.residues.push({ kind: 'removed', faults: verdict.faults });
    }
    const privileged = before.grants.some((grant) => grant.privileged);
    const absence = reason === 'absent' || reason === 'absent_repeatedly';
    this.#take(user, absence ? 'absence' : 'disabled', change, run, privileged);
  }

  /** Whoever is asked for a fresh sign-in was missing from a listing that counts, or is held by the brake. */
  #containment(user: UserRow, change: AuditRow, run: string): void {
    if (change.reason === 'held') return;
    const own = this.#hearingOfRun.get(run);
    const doubt =
      own === undefined
        ? 'there was none'
        : doubtOf(own, this.lastRowsBefore(run, user.connection_id));
    if (doubt !== null)
      this.blame('evidence', `${user.subject} was contained by a listing, and ${doubt}`);
    if (own?.rows.some(({ id }) => id === user.directory_id) === true) {
      this.blame('evidence', `${user.subject} was contained, and ${own.name} heard of them`);
    }
    // Roles are kept, and used again after one sign-in: no holder is lost.
    this.#take(user, 'absence', change, run, false);
  }

  /** The hearings before a run whose listings counted. */
  #countedBefore(run: string, connection: string): readonly Hearing[] {
    const before = this.#runs.slice(
      0,
      this.#runs.findIndex((one) => one.id === run),
    );
    return before.flatMap(({ id, connection: of, complete }) =>
      complete && of === connection ? (this.#hearingOfRun.get(id) ?? []) : [],
    );
  }

  #signedInOrder(user: UserRow): number | null {
    if (user.last_assertion_at === null) return null;
    return this.#facts.signIns.get(`${user.id} ${Date.parse(user.last_assertion_at)}`) ?? null;
  }

  #return(user: UserRow, change: AuditRow, run: string): void {
    this.count('checked return');
    const own = this.#hearingOfRun.get(run);
    const said = own?.rows.find(({ id }) => id === user.directory_id);
    if (user.cause !== 'sweep') {
      this.blame('cause', `${user.subject}, shut out by ${user.cause}, was let in by a sweep`);
    }
    if (own === undefined || said?.standing !== 'present') {
      this.blame(
        'evidence',
        `${user.subject} was let in again, and ${run} heard ${said?.standing ?? 'nothing'} of them`,
      );
      return;
    }
    const doubt = doubtOf(own, this.lastRowsBefore(run, user.connection_id));
    if (doubt !== null)
      this.blame('evidence', `${user.subject} was let in again by a listing, and ${doubt}`);
    if (said.truth !== 'present') this.#lied('restored', own, 'listed_again', user);
    this.#take(user, 'returns', change, run, false);
  }

  #roles(
    before: Access,
    after: Access,
    lost: readonly string[],
    gained: readonly string[],
    change: AuditRow,
    run: string,
  ): void {
    const user = before.user as UserRow;
    this.count('checked change of roles');
    const own = this.#hearingOfRun.get(run);
    const said = own?.rows.find(({ id }) => id === user.directory_id);
    const mode = this.#facts.rolesModeOf(user.connection_id);
    if (gained.includes(PRIVILEGED))
      this.blame('roles', `${user.subject} became ${PRIVILEGED} by a sweep`);
    if (mode === 'first_login' || (mode === 'additive' && lost.length > 0)) {
      this.blame(
        'roles',
        `${user.subject} lost ${lost.join()} or gained ${gained.join()} where roles are ${mode}`,
      );
    }
    if (
      own === undefined ||
      said === undefined ||
      said.groups === null ||
      said.standing !== 'present'
    ) {
      this.blame(
        'roles',
        `${user.subject}'s roles changed, and the directory named no groups of theirs`,
      );
      return;
    }
    const doubt = doubtOf(own, this.lastRowsBefore(run, user.connection_id));
    if (doubt !== null)
      this.blame('roles', `${user.subject}'s roles changed by a listing, and ${doubt}`);
    const given = new Set(said.groups.map((group) => ROLE_OF[group]));
    const wrong = [
      ...lost.filter((role) => given.has(role)),
      ...gained.filter((role) => !given.has(role)),
    ];
    if (wrong.length > 0) {
      this.blame('roles', `${user.subject}: ${wrong.join(', ')} against what ${own.name} heard`);
    }
    const truly = new Set(said.trueGroups.map((group) => ROLE_OF[group]));
    if (lost.some((role) => truly.has(role))) this.#lied('roles_lost', own, 'groups_changed', user);
    if (lost.length > 0) {
      const privileged = before.grants.some(
        (grant) => grant.privileged && lost.includes(grant.role),
      );
      this.#take(after.user as UserRow, 'roles', change, run, privileged);
    }
  }

  #lied(kind: Residue['kind'], own: Hearing, reason: string, user: UserRow): void {
    const faults = own.faults.filter((fault) =>
      misleads(fault, reason, this.#facts.confirmAfterMs),
    );
    if (faults.length === 0) {
      this.blame('evidence', `${user.subject}: ${kind} by a false answer of ${own.name}`);
    }
    this.residues.push({ kind, faults: faults.map((fault) => fault.kind) });
  }

  #take(
    user: UserRow,
    what: Taking['class'],
    change: AuditRow,
    run: string,
    privileged: boolean,
  ): void {
    if (this.#facts.approved.has(run)) {
      this.count(`approved ${what}`);
      return;
    }
    const { connection_id: connection } = user;
    const takings = this.#takings.get(connection) ?? [];
    this.#takings.set(connection, takings);
    takings.push({ run, user: user.id, class: what, at: Date.parse(change.at), privileged });
    const population = this.#population.get(run) ?? 0;
    const broken = brokenLimit(takings, population, this.#facts.percentsOf(connection));
    if (broken !== null) this.blame('brake', `${connection}: ${broken}, and nobody approved it`);
  }

  #lastAdmins(before: readonly string[], audits: readonly AuditRow[], writer: Writer): void {
    const after = this.mirror.holders(PRIVILEGED);
    if (after.length >= before.length) return;
    const byPerson = audits.some(({ actor }) => actor.kind === 'operator' || actor.kind === 'undo');
    const needed = byPerson ? 1 : 2;
    if (after.length >= needed) return;
    this.blame('left_alone', `${writer.name} left ${after.length} who are ${PRIVILEGED}`);
  }

  #undo(after: Access, undone: AuditRow): void {
    const run = String(undone.evidence?.runId ?? '');
    const user = after.user as UserRow;
    this.count('checked undo');
    const line = this.#lines.get(`${run} ${user.id}`);
    if (line === undefined) {
      this.blame('undo', `${user.subject}: an undo of ${run}, which did nothing to them`);
      return;
    }
    this.count(`undone ${line.confirmedSince ? 'after a confirmation' : 'exactly'}`);
    const [was, is] = [stateText(line.before), stateText(after)];
    if (was !== is)
      this.blame('undo', `${user.subject} was ${was} before the plan, and is ${is} after the undo`);
    const grants = (access: Access) =>
      JSON.stringify(access.grants.map((grant) => grantText(grant, line.confirmedSince)));
    if (grants(line.before) !== grants(after)) {
      this.blame(
        'undo',
        `${user.subject} had ${grants(line.before)}, and has ${grants(after)} after the undo`,
      );
    }
  }
}

function userOf(row: LedgerRow): string | null {
  const data = row.new ?? row.old;
  if (row.tab === 'users') return String(data?.id);
  return ['grants', 'sessions'].includes(row.tab) ? String(data?.user_id) : null;
}

function stateText({ user }: Access): string {
  return JSON.stringify([
    user?.state,
    user?.cause,
    user?.state_reason,
    user?.state_changed_at,
    user?.groups,
    user?.groups_seen_at,
  ]);
}

function grantText(grant: GrantRow, confirmedSince: boolean): unknown {
  if (!confirmedSince) return grant;
  const { role, connection_id, channel, privileged, first_seen_at } = grant;
  return { role, connection_id, channel, privileged, first_seen_at };
}
