import type { Profile } from './user.ts';

/** What each kind of change says when it leaves the house, besides whom it is about. */
export interface ChangePayloads {
  /** Somebody was admitted for the first time. */
  'user.created': {
    readonly subject: string;
    readonly profile: Profile;
    readonly roles: readonly string[];
  };
  /** Names or e-mail are others, or the record was joined with another, or separated. */
  'user.changed': {
    readonly profile: Profile;
    readonly reason?: 'joined' | 'separated';
  };
  /** The roles that this record gives now, and how they differ from before. */
  'roles.changed': {
    readonly roles: readonly string[];
    readonly gained: readonly string[];
    readonly lost: readonly string[];
  };
  /** Access has ended. `reason` is a reason code. */
  'user.deactivated': { readonly reason: string; readonly subject: string };
  /** Access is back after it had ended. */
  'user.restored': { readonly reason: string; readonly subject: string };
  /** These sessions are over. */
  'session.revoked': { readonly reason: string; readonly sessionIds: readonly string[] };
}

/** Changes that leave the house through the outbox. */
export type OutboxKind = keyof ChangePayloads;

const KINDS: Readonly<Record<OutboxKind, true>> = {
  'user.created': true,
  'user.changed': true,
  'roles.changed': true,
  'user.deactivated': true,
  'user.restored': true,
  'session.revoked': true,
};

/** The names of all kinds of change. */
export const OUTBOX_KINDS = Object.keys(KINDS) as readonly OutboxKind[];
