import type { LedgerRow } from '../ledger.ts';

/** A row of `users` as the database has it. */
export interface UserRow {
  readonly id: string;
  readonly connection_id: string;
  readonly subject: string;
  readonly directory_id: string | null;
  readonly owner: string;
  readonly state: string;
  readonly cause: string | null;
  readonly state_reason: string | null;
  readonly state_changed_at: string;
  readonly protected: boolean;
  readonly protected_by_admin: boolean;
  readonly groups: readonly string[] | null;
  readonly groups_seen_at: string | null;
  readonly epoch: number;
  readonly version: number;
  readonly last_assertion_at: string | null;
  readonly last_confirmed_at: string | null;
}

export interface GrantRow {
  readonly user_id: string;
  readonly role: string;
  readonly connection_id: string;
  readonly channel: string;
  readonly seen_in: string;
  readonly privileged: boolean;
  readonly because: unknown;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
}

/** What somebody has at one moment. */
export interface Access {
  readonly user: UserRow | null;
  readonly grants: readonly GrantRow[];
  readonly roles: readonly string[];
  readonly live: ReadonlySet<string>;
}

/** Who has access, whatever their state is called. */
export function hasAccess(user: UserRow | null): boolean {
  if (user === null) return false;
  return user.cause === null && !['deactivated', 'purge_eligible'].includes(user.state);
}

/** Everybody's access, put together from the rows that were written: nothing is asked of the product. */
export class Mirror {
  readonly users = new Map<string, UserRow>();
  readonly grants = new Map<string, Map<string, GrantRow>>();
  readonly sessions = new Map<string, Set<string>>();

  accessOf(userId: string): Access {
    const grants = [...(this.grants.get(userId)?.values() ?? [])].sort((a, b) =>
      keyOf(a) < keyOf(b) ? -1 : 1,
    );
    return {
      user: this.users.get(userId) ?? null,
      grants,
      roles: [...new Set(grants.map(({ role }) => role))].sort(),
      live: new Set(this.sessions.get(userId)),
    };
  }

  apply(row: LedgerRow): void {
    if (row.tab === 'users') this.#user(row);
    else if (row.tab === 'grants') this.#grant(row);
    else if (row.tab === 'sessions') this.#session(row);
  }

  /** How many people of a connection the roll-call may take access from. */
  population(connection: string): number {
    return [...this.users.values()].filter(
      (user) => user.connection_id === connection && user.owner === 'roll' && hasAccess(user),
    ).length;
  }

  /** Who can exercise a role. */
  holders(role: string): readonly string[] {
    return [...this.users.values()]
      .filter((user) => hasAccess(user) && this.accessOf(user.id).roles.includes(role))
      .map(({ id }) => id);
  }

  #user(row: LedgerRow): void {
    const user = row.new as unknown as UserRow | null;
    if (user !== null) this.users.set(user.id, user);
    else this.users.delete(String(row.old?.id));
  }

  #grant(row: LedgerRow): void {
    const grant = (row.new ?? row.old) as unknown as GrantRow;
    const held = this.grants.get(grant.user_id) ?? new Map<string, GrantRow>();
    this.grants.set(grant.user_id, held);
    if (row.new === null) held.delete(keyOf(grant));
    else held.set(keyOf(grant), grant);
  }

  #session(row: LedgerRow): void {
    const session = row.new ?? row.old;
    const userId = String(session?.user_id);
    const live = this.sessions.get(userId) ?? new Set<string>();
    this.sessions.set(userId, live);
    if (row.new !== null && row.new.ended_at === null) live.add(String(session?.id));
    else live.delete(String(session?.id));
  }
}

function keyOf({ role, connection_id, channel }: GrantRow): string {
  return `${role} ${connection_id} ${channel}`;
}
