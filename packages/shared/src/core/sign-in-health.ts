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
  /** When the last of them was; null: none was. */
  readonly refusedAt: EpochMs | null;
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
      /** When that came about; null: it has always been so. */
      readonly since: EpochMs | null;
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
  const doubts = [refused(facts, now), metadataEnded(facts, now), ...unreachable(facts, now)];
  const newest = doubts
    .filter((one) => one !== null)
    .reduce<Doubt | null>((latest, one) => (isLater(one, latest) ? one : latest), null);
  return newest ?? nobodyLately(facts, now) ?? { kind: 'healthy' };
}

/** Whether access ends for this reason because somebody has not signed in. */
export function restsOnSignIn(reason: string): boolean {
  return reason === 'absent_repeatedly' || reason === 'silent';
}

/**
 * Whether an end of access that rests on somebody not having signed in must not be made now.
 * Of whom a roster lacks, the question must have been one that they could answer. A silence
 * of months says something also where nobody signs in any more, for all of a partner's
 * people may have gone; but not while sign-in has broken within a day, for they may be
 * trying to come back.
 */
export function isToWait(reason: string, health: SignInHealth, now: EpochMs): boolean {
  if (health.kind === 'healthy' || !restsOnSignIn(reason)) return false;
  if (reason === 'absent_repeatedly') return true;
  if (health.why === 'nobody_signed_in') return false;
  return health.since !== null && now <= after(health.since, SIGN_IN_SEEN_MS);
}

type Doubt = Extract<SignInHealth, { kind: 'doubtful' }>;

function isLater(one: Doubt, latest: Doubt | null): boolean {
  return latest === null || (one.since ?? 0) > (latest.since ?? 0);
}

function nobodyLately({ acceptedAt }: SignInFacts, now: EpochMs): Doubt | null {
  if (acceptedAt !== null && now <= after(acceptedAt, SIGN_IN_SEEN_MS)) return null;
  const received = acceptedAt === null ? 'none ever' : `the last ${ago(acceptedAt, now)}`;
  const explanation = `expected a sign-in within 24 hours, received ${received}`;
  return doubt('nobody_signed_in', acceptedAt, explanation);
}

function refused({ acceptedAt, refusedSince, refusedAt }: SignInFacts, now: EpochMs): Doubt | null {
  if (refusedSince < REFUSALS_IN_DOUBT) return null;
  const last = acceptedAt === null ? 'the last' : `the last, ${ago(acceptedAt, now)}`;
  const explanation = `expected sign-ins to go on after ${last}, received ${refusedSince} refusals`;
  return doubt('refused_since', refusedAt, explanation);
}

function metadataEnded({ metadata }: SignInFacts, now: EpochMs): Doubt | null {
  const ended = metadata?.validUntil ?? null;
  if (ended === null || ended > now) return null;
  const explanation = `expected metadata that is valid now, received one that ended ${ago(ended, now)}`;
  return doubt('metadata_expired', ended, explanation);
}

/** Where somebody was let in after it, it is no doubt. */
function unreachable(facts: SignInFacts, now: EpochMs): readonly (Doubt | null)[] {
  const { acceptedAt, certificatesEndAt: ends, metadata } = facts;
  const isOver = (since: EpochMs | null): boolean =>
    acceptedAt !== null && acceptedAt > (since ?? now);
  const fetchedAt = metadata?.fetchedAt ?? null;
  const failures = metadata?.failures ?? 0;
  return [
    failures === 0 || isOver(fetchedAt)
      ? null
      : doubt(
          'metadata_unreachable',
          fetchedAt,
          `expected the identity provider to give its metadata, received ${failures} failures and no sign-in since`,
        ),
    ends === null || ends > now || isOver(ends)
      ? null
      : doubt(
          'certificates_ended',
          ends,
          `expected a certificate that is valid now, received the last end ${ago(ends, now)} and no sign-in since`,
        ),
  ];
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

function doubt(why: SignInDoubt, since: EpochMs | null, explanation: string): Doubt {
  return { kind: 'doubtful', why, since, explanation };
}

function ago(at: EpochMs, now: EpochMs): string {
  const minutes = Math.max(0, Math.floor((now - at) / 60_000));
  return minutes < 120 ? `${minutes} minutes ago` : `${Math.floor(minutes / 60)} hours ago`;
}
