import { X509Certificate } from 'node:crypto';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { KnownCertificate } from '@rollcall/shared/db/identity-providers';

/** For how long a certificate outlives its place in the metadata; both in milliseconds. */
export interface OverlapPolicy {
  /** How long the old and the new are both trusted, from when the new one was first seen. */
  readonly overlapMs: number;
  /** How often the metadata is fetched. */
  readonly refreshMs: number;
}

/** How many certificates that the metadata no longer names are trusted at most. */
const MAX_WITHDRAWN = 5;
/** How long one that nobody trusts any more is kept to be looked at. */
const REMEMBER_MS = 90 * 86_400_000;
/** How many refused certificates are kept to be looked at. */
const MAX_REFUSED = 10;

/**
 * What is known of certificates after metadata that is believed has named `announced`.
 *
 * One that the metadata no longer names stays trusted until its successor has been known
 * for the overlap: a provider that replaced its key a moment ago still has answers of the
 * old one under way. Where the successor has been announced for that long already, the
 * provider made the overlap itself, and taking the old key away means that it must not
 * be believed: it goes after two more refreshes, which tell a decision from a server of
 * theirs that lags behind.
 *
 * @param announced PEM, without repetition.
 */
export function announceCertificates(
  known: readonly KnownCertificate[],
  announced: readonly string[],
  now: EpochMs,
  policy: OverlapPolicy,
): readonly KnownCertificate[] {
  const before = new Map(known.map((one) => [one.fingerprint, one]));
  const current = announced.map((pem) => announce(pem, before, now, policy));
  const names = new Set(current.map((one) => one.fingerprint));
  const successor = Math.min(now, ...current.map((one) => one.firstSeenAt));
  const others = known.filter((one) => !names.has(one.fingerprint));
  const withdrawn = others
    .filter((one) => one.standing !== 'refused')
    .map((one) => (one.standing === 'withdrawn' ? one : withdraw(one, successor, now, policy)));
  const refused = others.filter((one) => one.standing === 'refused');
  return [...current, ...withdrawn, ...refused].filter((one) => isRemembered(one, now));
}

/**
 * What is known after metadata that was not believed has named certificates: those that
 * are new are kept to be looked at, and nothing else changes.
 */
export function refuseCertificates(
  known: readonly KnownCertificate[],
  named: readonly string[],
  now: EpochMs,
): readonly KnownCertificate[] {
  const fingerprints = named.map((pem) => new X509Certificate(pem).fingerprint256);
  const seen = known.map((one) =>
    one.standing === 'refused' && fingerprints.includes(one.fingerprint)
      ? { ...one, lastSeenAt: now }
      : one,
  );
  const names = new Set(known.map((one) => one.fingerprint));
  const added = named
    .filter((_, index) => !names.has(fingerprints[index] ?? ''))
    .map((pem) => ({ ...firstSeen(pem, now), standing: 'refused' as const }));
  const refused = [...seen.filter(isRefused), ...added].slice(-MAX_REFUSED);
  return [...seen.filter((one) => !isRefused(one)), ...refused];
}

/**
 * Certificates whose keys may sign now, PEM: those that are announced, then those that
 * were withdrawn a short while ago. A shorter overlap in the configuration holds for
 * what was withdrawn before.
 */
export function trustedCertificates(
  known: readonly KnownCertificate[],
  now: EpochMs,
  { overlapMs }: Pick<OverlapPolicy, 'overlapMs'>,
): readonly string[] {
  const announced = known.filter((one) => one.standing === 'announced');
  const withdrawn = known
    .filter((one) => isTrustedUntilLater(one, now, overlapMs))
    .toSorted((a, b) => (b.withdrawnAt ?? 0) - (a.withdrawnAt ?? 0))
    .slice(0, MAX_WITHDRAWN);
  return [...announced, ...withdrawn].map((one) => one.pem);
}

function isTrustedUntilLater(one: KnownCertificate, now: EpochMs, overlapMs: number): boolean {
  const { withdrawnAt, trustedUntil } = one;
  if (withdrawnAt === null || trustedUntil === null) return false;
  return now < Math.min(trustedUntil, withdrawnAt + overlapMs);
}

function announce(
  pem: string,
  before: ReadonlyMap<string, KnownCertificate>,
  now: EpochMs,
  { overlapMs }: OverlapPolicy,
): KnownCertificate {
  const fresh = firstSeen(pem, now);
  const known = before.get(fresh.fingerprint);
  // One that had gone, or had never been believed, is as new as any.
  const goesOn =
    known?.standing === 'announced' ||
    (known !== undefined && isTrustedUntilLater(known, now, overlapMs));
  return goesOn ? { ...fresh, firstSeenAt: known.firstSeenAt } : fresh;
}

function withdraw(
  one: KnownCertificate,
  successorSeenAt: number,
  now: EpochMs,
  { overlapMs, refreshMs }: OverlapPolicy,
): KnownCertificate {
  const confirmed = now + Math.min(2 * refreshMs, overlapMs);
  const trustedUntil = toEpochMs(Math.max(confirmed, successorSeenAt + overlapMs));
  return { ...one, standing: 'withdrawn', withdrawnAt: now, trustedUntil };
}

function firstSeen(pem: string, now: EpochMs): KnownCertificate {
  return {
    fingerprint: new X509Certificate(pem).fingerprint256,
    pem,
    standing: 'announced',
    firstSeenAt: now,
    lastSeenAt: now,
    withdrawnAt: null,
    trustedUntil: null,
  };
}

function isRefused(one: KnownCertificate): boolean {
  return one.standing === 'refused';
}

function isRemembered(one: KnownCertificate, now: EpochMs): boolean {
  if (one.standing === 'announced') return true;
  return after(one.trustedUntil ?? one.lastSeenAt, REMEMBER_MS) > now;
}
