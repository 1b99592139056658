import type { UserId } from './ids.ts';
import type { RoleReason } from './roles.ts';

/** What a complete listing says of somebody, where it says what is known already. */
export interface Presence {
  readonly userId: UserId;
  /** The version of the user beside which the listing was read. */
  readonly version: number;
  /** The roles over the roll that the person's groups still give. */
  readonly grants: readonly ConfirmedGrant[];
}

/** A role that is held, and the rules that give it now; none: the default role. */
export interface ConfirmedGrant {
  readonly role: string;
  readonly because: readonly RoleReason[];
}
