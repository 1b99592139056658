import { HOUR, MINUTE } from '../virtual-time.ts';
import { PRIVILEGED } from '../world.ts';
import type { UserRow } from './mirror.ts';
import type { Notebook } from './notebook.ts';
import type { AuditRow } from './trail.ts';

interface Contained {
  readonly run: string;
  readonly user: string;
  readonly connection: string;
  /** By our clock. */
  readonly at: number;
}

/** Holds against the manual whom a held plan has asked for a fresh sign-in, and how many at once. */
export class HeldWatch {
  readonly #notebook: Notebook;
  readonly #contained: Contained[] = [];

  constructor(notebook: Notebook) {
    this.#notebook = notebook;
  }

  /** Somebody was contained because a plan waits that takes something from them. */
  see(user: UserRow, change: AuditRow, run: string): void {
    const { facts, plans } = this.#notebook;
    const blame = (what: string) =>
      this.#notebook.blame('waves', `${user.subject} was contained for a held plan: ${what}`);
    this.#notebook.count('checked containment of a wave');
    const one = {
      run,
      user: user.id,
      connection: user.connection_id,
      at: Date.parse(change.at),
    };
    const { mode } = facts.companyOf(user.connection_id);
    if (mode !== 'auto') blame(`in mode ${mode}`);
    if (!plans.isHeld(run)) blame('the plan does not wait any more');
    const doubt = this.#doubtAbout(user, run);
    if (doubt !== null) blame(doubt);
    const earlier = this.#contained.filter((was) => was.user === one.user);
    if (earlier.some((was) => was.run === run)) blame('a second time');
    const signedInAt = user.last_assertion_at === null ? 0 : Date.parse(user.last_assertion_at);
    if (earlier.length > 0 && signedInAt > one.at - HOUR) blame('within an hour of a sign-in');
    this.#contained.push(one);
    this.#countWave(one, blame);
    this.#keepAdmin(user, blame);
  }

  /** What the directory said must speak against them, and nothing newer for them. */
  #doubtAbout(user: UserRow, run: string): string | null {
    const own = this.#notebook.hearingOf(run);
    const silent = this.#notebook.facts.companyOf(user.connection_id).silence !== null;
    if (own === undefined || silent) return null;
    const row = own.rows.find(({ id }) => id === user.directory_id);
    const lookUp = own.lookUps.findLast(({ id }) => id === user.directory_id);
    const said = lookUp ?? row;
    if (said?.standing === 'present') return 'they were found';
    const signedIn = this.#notebook.signedInOrder(user) ?? 0;
    return signedIn > (said?.order ?? own.begunOrder) ? 'the sign-in is newer' : null;
  }

  #countWave({ connection, at }: Contained, blame: (what: string) => void): void {
    const wave = this.#contained.filter(
      (one) => one.connection === connection && one.at > at - MINUTE,
    );
    const allowed = Math.max(1, Math.floor(this.#notebook.mirror.population(connection) / 50));
    if (wave.length > allowed) blame(`${wave.length} within a minute, of at most ${allowed}`);
  }

  /** Were all of them contained, nobody could act if sign-in broke. */
  #keepAdmin(user: UserRow, blame: (what: string) => void): void {
    const { mirror } = this.#notebook;
    if (!mirror.accessOf(user.id).roles.includes(PRIVILEGED)) return;
    const states = mirror.recordsHolding(PRIVILEGED).map(({ state }) => state);
    if (states.every((state) => state === 'contained'))
      blame(`every ${PRIVILEGED} is now contained`);
  }
}
