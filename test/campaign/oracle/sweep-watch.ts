import type { Hearing } from '../answers.ts';
import { PRIVILEGED, ROLE_OF } from '../world.ts';
import { isCanaryAround, judgeRemoval, misleads } from './evidence.ts';
import { HeldWatch } from './held-watch.ts';
import { brokenLimit, brokenOverAll, type Taking } from './limits.ts';
import { type Access, hasAccess, type UserRow } from './mirror.ts';
import type { Notebook, Residue, Writer } from './notebook.ts';
import type { AuditRow } from './trail.ts';
import type { UndoWatch } from './undo-watch.ts';

/** Holds what sweeps take and give against what the directory said, and against the brake. */
export class SweepWatch {
  readonly #notebook: Notebook;
  readonly #undos: UndoWatch;
  readonly #held: HeldWatch;
  readonly #overAll: Taking[] = [];
  readonly #takings = new Map<string, Taking[]>();

  constructor(notebook: Notebook, undos: UndoWatch) {
    this.#notebook = notebook;
    this.#undos = undos;
    this.#held = new HeldWatch(notebook);
  }

  /** A sweep, or who looks after its plan, changed somebody. */
  see(before: Access, after: Access, change: AuditRow | null, writer: Writer): void {
    const { user } = before;
    if (user === null || after.user === null) {
      this.#notebook.blame('left_alone', `${writer.name} made or deleted a user`);
      return;
    }
    const lost = before.roles.filter((role) => !after.roles.includes(role));
    const gained = after.roles.filter((role) => !before.roles.includes(role));
    const moved = user.state !== after.user.state || user.cause !== after.user.cause;
    if (!moved && lost.length + gained.length === 0) return;
    const run = String(change?.actor.runId ?? '');
    const takesNothing = lost.length === 0 && hasAccess(after.user);
    if (change?.actor.kind !== 'sweep') {
      this.#notebook.blame(
        'trail',
        `${user.subject} was changed by ${writer.name} in the name of ${change?.actor.kind}`,
      );
      return;
    }
    // Whom a held plan had contained is released in every mode, and whosever they are by then.
    if (change.reason === 'hold_ended' && after.user.state === 'active' && takesNothing) return;
    const takes = hasAccess(user) && (!hasAccess(after.user) || lost.length > 0);
    const worsens = takes || ['suspected', 'contained'].includes(after.user.state);
    if (user.owner !== 'roll')
      this.#notebook.blame(
        'left_alone',
        `${user.subject} is owned by ${user.owner}, and was swept`,
      );
    if (worsens && moved && this.#notebook.isGuarded(user)) {
      this.#notebook.blame(
        'left_alone',
        `${user.subject} is protected, and became ${after.user.state}`,
      );
    }
    if (lost.length > 0 && this.#notebook.isGuarded(user)) {
      this.#notebook.blame(
        'left_alone',
        `${user.subject} is protected, and lost ${lost.join(', ')}`,
      );
    }
    if (this.#notebook.facts.companyOf(user.connection_id).mode === 'observe') {
      this.#notebook.blame('brake', `${user.subject} was changed where the sweep only observes`);
    }
    if (change.reason === 'held') {
      this.#held.see(user, change, run);
      return;
    }
    this.#undos.note(run, before);
    if (after.user.state === 'suspected') this.#suspicion(user, change, run);
    if (after.user.state === 'contained' && user.state !== 'contained') {
      this.#containment(user, change, run);
    }
    if (hasAccess(user) && !hasAccess(after.user)) this.#removal(user, before, change, run);
    else if (!hasAccess(user) && hasAccess(after.user)) this.#return(user, change, run);
    if (lost.length + gained.length > 0) this.#roles(before, after, lost, gained, change, run);
  }

  #removal(user: UserRow, before: Access, change: AuditRow, run: string): void {
    const reason = change.reason ?? '';
    this.#notebook.count('checked removal');
    const privileged = before.grants.some((grant) => grant.privileged);
    if (reason === 'silent') {
      this.#silence(user, change);
      this.#take(user, 'absence', change, run, privileged);
      return;
    }
    const own = this.#notebook.hearingOf(run);
    if (own === undefined || user.directory_id === null) {
      this.#notebook.blame(
        'evidence',
        `${user.subject} was removed (${reason}) by a run that heard nothing`,
      );
      return;
    }
    if (reason === 'absent_repeatedly' && user.state !== 'contained') {
      this.#notebook.blame(
        'evidence',
        `${user.subject} was removed without having been asked for a sign-in`,
      );
    }
    const verdict = judgeRemoval({
      misses: this.#notebook.facts.companyOf(user.connection_id).misses,
      truth: this.#notebook.facts.standingAt(user.directory_id, own.begunTruly),
      counted: this.#notebook.countedBefore(run, user.connection_id),
      id: user.directory_id,
      reason,
      own,
      hearings: this.#notebook.facts.hearings.filter(({ company }) => company === own.company),
      lastRows: this.#notebook.lastRowsBefore(run, user.connection_id),
      signedInOrder: this.#notebook.signedInOrder(user),
      signedInAt: user.last_assertion_at === null ? null : Date.parse(user.last_assertion_at),
      confirmAfterMs: this.#notebook.facts.confirmAfterMs,
    });
    if (verdict.kind === 'wrong') {
      this.#notebook.blame(
        'evidence',
        `${user.subject} was removed (${reason}) by ${own.name}: ${verdict.because}`,
      );
    } else if (verdict.kind === 'lie') {
      this.#notebook.residues.push({ kind: 'removed', faults: verdict.faults });
    }
    const absence = reason === 'absent' || reason === 'absent_repeatedly';
    this.#take(user, absence ? 'absence' : 'disabled', change, run, privileged);
  }

  /** Silence counts by days on which they could have signed in. */
  #silence(user: UserRow, change: AuditRow): void {
    const { silence, days } = this.#notebook.facts.companyOf(user.connection_id);
    const last = Date.parse(user.last_assertion_at ?? user.created_at);
    const silent = days.silenceSince(last, Date.parse(change.at));
    this.#notebook.count('checked silence');
    if (silence !== null && silent >= silence.deactivateDays) return;
    this.#notebook.blame(
      'evidence',
      `${user.subject} was removed for silence after ${silent} days of ${silence?.deactivateDays ?? 'none'}`,
    );
  }

  /** Whoever is suspected was missing from a listing that counts, and a look-up found nobody. */
  #suspicion(user: UserRow, change: AuditRow, run: string): void {
    this.#notebook.count('checked suspicion');
    const own = this.#notebook.hearingOf(run);
    const blame = (what: string) =>
      this.#notebook.blame('evidence', `${user.subject} was suspected (${change.reason}): ${what}`);
    const doubt = this.#notebook.doubtAbout(run, user.connection_id);
    if (doubt !== null) blame(doubt);
    const said = own?.lookUps.findLast(({ id }) => id === user.directory_id);
    if (said?.standing !== 'absent') blame(`the look-up said ${said?.standing ?? 'nothing'}`);
    else if (own !== undefined && !isCanaryAround(own, said))
      blame('no canary was found around it');
  }

  /** Whoever is asked for a fresh sign-in was missing from a listing that counts. */
  #containment(user: UserRow, change: AuditRow, run: string): void {
    const own = this.#notebook.hearingOf(run);
    const doubt = this.#notebook.doubtAbout(run, user.connection_id);
    if (doubt !== null)
      this.#notebook.blame('evidence', `${user.subject} was contained by a listing, and ${doubt}`);
    if (own?.rows.some(({ id }) => id === user.directory_id) === true) {
      this.#notebook.blame(
        'evidence',
        `${user.subject} was contained, and ${own.name} heard of them`,
      );
    }
    // Roles are kept, and used again after one sign-in: no holder is lost.
    this.#take(user, 'absence', change, run, false);
  }

  #return(user: UserRow, change: AuditRow, run: string): void {
    this.#notebook.count('checked return');
    const own = this.#notebook.hearingOf(run);
    const said = own?.rows.find(({ id }) => id === user.directory_id);
    if (user.cause !== 'sweep') {
      this.#notebook.blame(
        'cause',
        `${user.subject}, shut out by ${user.cause}, was let in by a sweep`,
      );
    }
    if (own === undefined || said?.standing !== 'present') {
      this.#notebook.blame(
        'evidence',
        `${user.subject} was let in again, and ${run} heard ${said?.standing ?? 'nothing'} of them`,
      );
      return;
    }
    const doubt = this.#notebook.doubtAbout(run, user.connection_id);
    if (doubt !== null)
      this.#notebook.blame(
        'evidence',
        `${user.subject} was let in again by a listing, and ${doubt}`,
      );
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
    this.#notebook.count('checked change of roles');
    const own = this.#notebook.hearingOf(run);
    const said = own?.rows.find(({ id }) => id === user.directory_id);
    const { rolesMode: mode } = this.#notebook.facts.companyOf(user.connection_id);
    if (gained.includes(PRIVILEGED))
      this.#notebook.blame('roles', `${user.subject} became ${PRIVILEGED} by a sweep`);
    if (mode === 'first_login' || (mode === 'additive' && lost.length > 0)) {
      this.#notebook.blame(
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
      this.#notebook.blame(
        'roles',
        `${user.subject}'s roles changed, and the directory named no groups of theirs`,
      );
      return;
    }
    const doubt = this.#notebook.doubtAbout(run, user.connection_id);
    if (doubt !== null)
      this.#notebook.blame('roles', `${user.subject}'s roles changed by a listing, and ${doubt}`);
    const given = new Set(said.groups.map((group) => ROLE_OF[group]));
    const wrong = [
      ...lost.filter((role) => given.has(role)),
      ...gained.filter((role) => !given.has(role)),
    ];
    if (wrong.length > 0) {
      this.#notebook.blame(
        'roles',
        `${user.subject}: ${wrong.join(', ')} against what ${own.name} heard`,
      );
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
      misleads(fault, reason, this.#notebook.facts.confirmAfterMs),
    );
    if (faults.length === 0) {
      this.#notebook.blame('evidence', `${user.subject}: ${kind} by a false answer of ${own.name}`);
    }
    this.#notebook.residues.push({ kind, faults: faults.map((fault) => fault.kind) });
  }

  #take(
    user: UserRow,
    what: Taking['class'],
    change: AuditRow,
    run: string,
    privileged: boolean,
  ): void {
    if (this.#notebook.facts.approved.has(run)) {
      this.#notebook.count(`approved ${what}`);
      return;
    }
    const { connection_id: connection } = user;
    const takings = this.#takings.get(connection) ?? [];
    this.#takings.set(connection, takings);
    const taking = { run, user: user.id, class: what, at: Date.parse(change.at), privileged };
    takings.push(taking);
    this.#overAll.push(taking);
    const population = this.#notebook.plans.populationOf(run);
    const { percents } = this.#notebook.facts.companyOf(connection);
    const broken =
      brokenLimit(takings, population, percents) ??
      brokenOverAll(this.#overAll, this.#notebook.mirror.populationOverAll());
    if (broken !== null)
      this.#notebook.blame('brake', `${connection}: ${broken}, and nobody approved it`);
  }
}
