/** One sentence for each reason code, for people: plans, pages, `explain`. */
export const REASON_TEXT = {
  absent: 'no longer listed at the identity provider, confirmed by two look-ups',
  absent_once: 'not listed at the identity provider; to be confirmed by a second look-up',
  absent_unconfirmable:
    'not listed, and the directory answers no look-ups: access needs a fresh sign-in meanwhile',
  absent_repeatedly: 'not listed again and again, and no fresh sign-in since the first time',
  silent: 'has not signed in for too long',
  disabled: 'disabled at the identity provider',
  unassigned: 'no longer assigned to this app at the identity provider',
  held: 'the sweep is held; access needs a fresh sign-in meanwhile',
  hold_ended: 'the held plan that asked for a fresh sign-in has ended without them',
  groups_changed: 'groups changed at the identity provider',
  suspicion_cleared: 'found at the identity provider',
  listed_again: 'listed and enabled at the identity provider again',
  protected: 'protected, by the configuration or by an administrator',
  owned_by_scim: 'owned by SCIM: the sweep reports and changes nothing',
  owned_manually: 'managed by hand: the sweep reports and changes nothing',
  last_admin: 'one of the last two holders of a privileged role',
  other_cause: 'disabled by somebody else, who alone may enable again',
  undone: 'the sweep was taken back by a person',
  signed_in: 'signed in',
  signed_in_again: 'vouched for anew, by a sign-in from beginning to end',
  signed_out: 'signed out',
  signed_out_at_idp: 'signed out at the identity provider',
  signed_in_since: 'signed in after the listing had begun',
  no_role: 'no group gives a role any more',
  connection_removed: 'the connection was taken out of the configuration',
  scim_inactive: 'set inactive by the identity provider, over SCIM',
  scim_active: 'set active by the identity provider, over SCIM',
  scim_deleted: 'deleted by the identity provider, over SCIM',
  left_to_scim: 'an administrator gave back what an administrator took; SCIM says inactive still',
  scim_provisioned: 'provisioned by the identity provider, over SCIM',
  scim_changed: 'changed by the identity provider, over SCIM',
  scim_groups: 'groups changed by the identity provider, over SCIM',
  handed_over: 'handed over by an administrator',
  by_admin: 'by an administrator',
  retired: 'without access for as long as deactivated people are kept',
  purged: 'purged: nothing is left of this person',
  joined: 'joined with another record of the same person',
  separated: 'separated from other records of the same person',
} as const;
export type ReasonCode = keyof typeof REASON_TEXT;

/** The sentence for a reason code; the code itself for one that this version does not know. */
export function sayReason(code: string): string {
  return Object.hasOwn(REASON_TEXT, code) ? REASON_TEXT[code as ReasonCode] : code;
}
