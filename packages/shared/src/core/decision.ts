import type { EvidenceClass } from './evidence.ts';
import type { UserId } from './ids.ts';
import type { RoleReason } from './roles.ts';

/**
 * Why access is taken: what the directory said of the person; `absent_repeatedly` where it
 * answers no look-ups; `silent` where the person has not signed in for too long.
 */
export type LeaveReason = 'absent' | 'absent_repeatedly' | 'disabled' | 'unassigned' | 'silent';

/** Why a decision that the evidence would allow is not taken. */
export type RefuseReason =
  | 'protected'
  | 'owned_by_scim'
  | 'owned_manually'
  | 'last_admin'
  | 'other_cause';

/** Why nothing happens to a person in this run. */
export type KeepReason =
  | 'present'
  | 'already_deactivated'
  | 'no_directory_id'
  | 'look_up_unknown'
  | 'look_up_found'
  | 'canary_failed'
  | 'waiting_for_confirmation'
  | 'waiting_for_misses'
  | 'sign_in_doubtful'
  | 'not_silent'
  | 'signed_in_since';

/** What follows from the evidence about one user. Every variant carries a reason code. */
export type Decision =
  | { readonly kind: 'keep'; readonly userId: UserId; readonly reason: KeepReason }
  | {
      readonly kind: 'suspect';
      readonly userId: UserId;
      readonly reason: 'absent_once';
      readonly evidence: EvidenceClass;
    }
  | {
      readonly kind: 'contain';
      readonly userId: UserId;
      readonly reason: 'held' | 'absent_unconfirmable';
      readonly evidence: EvidenceClass;
    }
  | {
      readonly kind: 'release';
      readonly userId: UserId;
      readonly reason: 'suspicion_cleared';
      readonly evidence: EvidenceClass;
    }
  | {
      readonly kind: 'deactivate';
      readonly userId: UserId;
      readonly reason: LeaveReason;
      readonly evidence: EvidenceClass;
    }
  | {
      readonly kind: 'change_roles';
      readonly userId: UserId;
      readonly reason: 'groups_changed';
      /** The roles that the connection's rules give now, all of them. */
      readonly roles: readonly string[];
      readonly gain: readonly string[];
      readonly lose: readonly string[];
      readonly because: readonly RoleReason[];
    }
  | {
      readonly kind: 'restore';
      readonly userId: UserId;
      /** `suspicion_cleared` leaves sessions alone; `listed_again` ends a deactivation. */
      readonly reason: 'suspicion_cleared' | 'listed_again';
      readonly evidence: EvidenceClass;
    }
  | { readonly kind: 'refuse'; readonly userId: UserId; readonly reason: RefuseReason };

export type DecisionKind = Decision['kind'];
