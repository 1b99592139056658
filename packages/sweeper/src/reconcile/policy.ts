import type { ConnectionId, Subject } from '@rollcall/shared/core/ids';
import type { RoleRule } from '@rollcall/shared/core/roles';
import type { SilencePolicy } from '@rollcall/shared/core/silence';

/** When an absence counts that nobody can be asked about (evidence E3). */
export interface MissPolicy {
  /** So many complete snapshots must lack somebody. */
  readonly needed: number;
  /** The least time between two that count, in milliseconds. */
  readonly apartMs: number;
}

/** What a connection's configuration has to say to the decisions of a sweep. */
export interface SweepPolicy {
  readonly connectionId: ConnectionId;
  /** The least time between the two look-ups that confirm an absence, in milliseconds. */
  readonly confirmAfterMs: number;
  /**
   * How often somebody must be missing where the directory answers no look-ups; left out
   * where it answers them, and two of them confirm an absence.
   */
  readonly misses?: MissPolicy;
  /** When somebody's silence ends access; left out where it never does. */
  readonly silence?: SilencePolicy;
  /** Subjects that nothing automatic takes access from, besides users marked so. */
  readonly protectedSubjects: ReadonlySet<Subject>;
  readonly roles: {
    readonly mode: 'authoritative' | 'additive' | 'first_login';
    readonly rules: readonly RoleRule[];
    /** See `RoleInput.aliases`. */
    readonly aliases: ReadonlyMap<string, string>;
    /** Null: whoever matches no rule has no role. */
    readonly defaultRole: string | null;
  };
}

/** The first of two look-ups counts for so long, in milliseconds. */
export const LOOK_UP_VALID_MS = 24 * 60 * 60 * 1000;
