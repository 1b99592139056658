import type { Config } from '@rollcall/shared/config/types';
import { maySignIn } from '@rollcall/shared/core/lifecycle';
import { previewSignIn, type RolePreview } from '@rollcall/shared/core/role-preview';
import type { Grant, User } from '@rollcall/shared/core/user';
import type { Database } from '@rollcall/shared/db/database';
import { userPages } from '@rollcall/shared/db/user-pages';
import { mapUser, rulesFor } from '@rollcall/shared/explanation/rules-for-user';

/** Whose roles would change, and how. */
export interface ChangedUser {
  readonly user: User;
  readonly gain: readonly string[];
  readonly lose: readonly string[];
  /** Of those gained, the privileged ones. */
  readonly privileged: readonly string[];
  /** Nothing would be left: the next sign-in would be refused. */
  readonly left: boolean;
}

/** How many hold a role, with access, before and after. */
export interface RoleCount {
  readonly role: string;
  readonly privileged: boolean;
  readonly before: number;
  readonly after: number;
}

/** What a change of rules does to everybody who is known. */
export interface AgainstUsers {
  readonly users: number;
  readonly changed: number;
  readonly gaining: number;
  readonly losing: number;
  readonly losingLast: number;
  readonly gainingPrivileged: number;
  /** Users whose groups are not known: nothing would change for them. */
  readonly groupsUnknown: number;
  /** Users of connections that the configuration does not have: they could not sign in. */
  readonly unconfigured: number;
  readonly roles: readonly RoleCount[];
  /** The weightiest first, at most as many as were asked for. */
  readonly changes: readonly ChangedUser[];
}

/**
 * Compares what the rules of a configuration would give everybody at the next sign-in
 * with what they hold, or with what the rules of another configuration would give them.
 * Reads page by page and keeps counts and the first changes, so memory does not grow
 * with the number of users. People without access are left out. Changes nothing.
 */
export async function previewAgainstUsers(
  db: Database,
  config: Config,
  from: Config | null,
  limit: number,
): Promise<AgainstUsers> {
  const tally = new Tally(config, limit);
  for await (const page of userPages(db)) {
    for (const { user, grants } of page) {
      if (maySignIn(user.state)) tally.add(user, grants, config, from);
    }
  }
  return tally.result();
}

const NOTHING: RolePreview = { roles: [], gain: [], lose: [] };

/** What the rules would make of somebody; null where the connection is not configured. */
function preview(config: Config, user: User, grants: readonly Grant[]) {
  const rules = rulesFor(config, user.connectionId);
  if (rules === null) return null;
  const mapping = mapUser(user, rules);
  const mode = user.protected && rules.mode === 'authoritative' ? 'additive' : rules.mode;
  const unknown = mapping.kind === 'unknown';
  return { unknown, ...previewSignIn(grants, user.connectionId, mapping, mode) };
}

/** Counts, and the changes that weigh most. */
class Tally {
  readonly #privileged: ReadonlySet<string>;
  readonly #limit: number;
  readonly #holders = new Map<string, { before: number; after: number }>();
  /** By weight: privileged gains, nothing left, losses, gains. */
  readonly #changes: readonly ChangedUser[][] = [[], [], [], []];
  readonly #counts = {
    users: 0,
    changed: 0,
    gaining: 0,
    losing: 0,
    losingLast: 0,
    gainingPrivileged: 0,
    groupsUnknown: 0,
    unconfigured: 0,
  };

  constructor(config: Config, limit: number) {
    this.#privileged = new Set(config.roles.filter((r) => r.privileged).map((r) => r.role));
    this.#limit = limit;
  }

  add(user: User, grants: readonly Grant[], config: Config, from: Config | null): void {
    this.#counts.users += 1;
    const next = preview(config, user, grants);
    const held = [...new Set(grants.map((grant) => grant.role))];
    const before = from === null ? held : (preview(from, user, grants) ?? NOTHING).roles;
    const { roles: then } = next ?? NOTHING;
    if (next === null) this.#counts.unconfigured += 1;
    if (next?.unknown) this.#counts.groupsUnknown += 1;
    for (const role of before) this.#count(role).before += 1;
    for (const role of then) this.#count(role).after += 1;
    const gain = then.filter((role) => !before.includes(role));
    const lose = before.filter((role) => !then.includes(role)).sort();
    if (gain.length + lose.length === 0) return;
    const privileged = gain.filter((role) => this.#privileged.has(role));
    this.#keep({ user, gain, lose, privileged, left: then.length === 0 });
  }

  #count(role: string): { before: number; after: number } {
    const count = this.#holders.get(role) ?? { before: 0, after: 0 };
    this.#holders.set(role, count);
    return count;
  }

  #keep(change: ChangedUser): void {
    const { gain, lose, privileged, left } = change;
    this.#counts.changed += 1;
    if (gain.length > 0) this.#counts.gaining += 1;
    if (lose.length > 0) this.#counts.losing += 1;
    if (left) this.#counts.losingLast += 1;
    if (privileged.length > 0) this.#counts.gainingPrivileged += 1;
    const weight = privileged.length > 0 ? 0 : left ? 1 : lose.length > 0 ? 2 : 3;
    const kept = this.#changes[weight];
    if (kept !== undefined && kept.length < this.#limit) kept.push(change);
  }

  result(): AgainstUsers {
    const roles = [...this.#holders]
      .map(([role, count]) => ({ role, privileged: this.#privileged.has(role), ...count }))
      .sort((a, b) => Number(b.privileged) - Number(a.privileged) || (a.role < b.role ? -1 : 1));
    return { ...this.#counts, roles, changes: this.#changes.flat().slice(0, this.#limit) };
  }
}
