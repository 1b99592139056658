import { after, type EpochMs } from './time.ts';

/** What is known of how sign-ins by one connection go. */
export interface SignInFacts {
  /** When somebody was last let in by the connection; null: nobody ever was. */
  readonly acceptedAt: EpochMs | null;
  /**
   * How many sign-ins were refused since then for what {@link speaksOfConnection} says
   * concerns the connection. Counting may stop at a few.
   */
  readonly refusedSince: number;
  /** When the last of the trusted certificates ends; null where that is not known here. */
  readonly certificatesEndAt: EpochMs | null;
  /** The copy of the metadata; null where it is not fetched from an address. */
  readonly metadata: {
    /** When the address last gave it; null: never. */
    readonly fetchedAt: EpochMs | null;
    readonly validUntil: EpochMs | null;
    /** Failed attempts since. */
    readonly failures: number;
  } | null;
}

/** Why nobody may be asked for a fresh sign-in now. */
export type SignInDoubt =
  | 'nobody_signed_in'
  | 'refused_since'
  | 'metadata_expired'
  | 'metadata_unreachable'
  | 'certificates_ended';

export type SignInHealth =
  | { readonly kind: 'healthy' }
  | {
      readonly kind: 'doubtful';
      readonly why: SignInDoubt;
      /** For people: what was expected and what came. */
      readonly explanation: string;
    };

/** Somebody must have signed in within so long, in milliseconds: that alone shows that it works. */
export const SIGN_IN_SEEN_MS = 24 * 60 * 60 * 1000;
/** From so many refusals on without a sign-in after them, sign-in counts as broken. */
export const REFUSALS_IN_DOUBT = 3;

/**
 * Whether a sign-in by the connection can be counted on now. A containment asks for a fresh
 * one: where it is broken, a containment is a lockout, so nobody is contained then, and
 * nobody's silence says anything. Every automatic containment is held to this by
 * `access/apply`; whoever plans one asks before.
 *
 * Proof is somebody who was let in lately, and it ends every doubt that is older than it:
 * a stranger who has refusals written down can put a containment off until the next person
 * signs in, no longer.
 */
export function signInHealth(facts: SignInFacts, now: EpochMs): SignInHealth {
  const { acceptedAt, refusedSince, certificatesEndAt, metadata } = facts;
  if (acceptedAt === null || now > after(acceptedAt, SIGN_IN_SEEN_MS)) {
    const received = acceptedAt === null ? 'none ever' : `the last ${ago(acceptedAt, now)}`;
    return doubt('nobody_signed_in', `expected a sign-in within 24 hours, received ${received}`);
  }
  if (refusedSince >= REFUSALS_IN_DOUBT) {
    return doubt(
      'refused_since',
      `expected sign-ins to go on after the last, ${ago(acceptedAt, now)}, received ${refusedSince} refusals`,
    );
  }
  if (metadata !== null && metadata.validUntil !== null && metadata.validUntil <= now) {
    return doubt(
      'metadata_expired',
      `expected metadata that is valid now, received one that ended ${ago(metadata.validUntil, now)}`,
    );
  }
  if (metadata !== null && metadata.failures > 0 && acceptedAt <= (metadata.fetchedAt ?? now)) {
    return doubt(
      'metadata_unreachable',
      `expected the identity provider to give its metadata, received ${metadata.failures} failures and no sign-in since`,
    );
  }
  if (certificatesEndAt !== null && certificatesEndAt <= now && acceptedAt <= certificatesEndAt) {
    return doubt(
      'certificates_ended',
      `expected a certificate that is valid now, received the last end ${ago(certificatesEndAt, now)} and no sign-in since`,
    );
  }
  return { kind: 'healthy' };
}

/** What one browser or one person brings about, whatever the state of the connection is. */
const OF_ONE_PERSON = new Set([
  'saml.replayed',
  'saml.request_unknown',
  'saml.other_browser',
  'saml.unsolicited_not_allowed',
  'identity.directory_id_changed',
  'identity.email_outside_domains',
]);

/**
 * Whether a refusal with this code may mean that nobody can sign in by the connection. One
 * of `access.…` concerns a person, but for groups that do not come.
 */
export function speaksOfConnection(code: string): boolean {
  if (OF_ONE_PERSON.has(code) || /^saml\.logout_/.test(code)) return false;
  if (code === 'access.groups_missing' || code === 'connection.unavailable') return true;
  return code.startsWith('saml.') || code.startsWith('identity.');
}

function doubt(why: SignInDoubt, explanation: string): SignInHealth {
  return { kind: 'doubtful', why, explanation };
}

function ago(at: EpochMs, now: EpochMs): string {
  const minutes = Math.max(0, Math.floor((now - at) / 60_000));
  return minutes < 120 ? `${minutes} minutes ago` : `${Math.floor(minutes / 60)} hours ago`;
}
