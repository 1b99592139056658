import type { EpochMs } from '@rollcall/shared/core/time';
import type { CheckedCertificate } from '../queries/check-configuration.ts';
import type { ShownCertificate } from '../queries/known-connection.ts';
import type { Colors } from '../terminal.ts';
import type { Cell } from './table.ts';
import { daysUntil, sayDuration, sayWhen, toIso } from './when.ts';

/** From so many days before its end on a certificate is pointed out. */
export const EXPIRES_SOON_DAYS = 30;

const USES: Readonly<Record<ShownCertificate['use'], string>> = {
  identity_provider: 'its signing',
  own_signing: 'our signing',
  own_decryption: 'our decryption',
};

/** For whom a certificate is, in two words. */
export function sayUse({ use }: ShownCertificate): string {
  return USES[use];
}

/** When a certificate ends, coloured where somebody should act. */
export function expiryCell(
  { notAfter }: ShownCertificate,
  now: EpochMs,
  colors: Colors,
): Cell | string {
  const day = new Date(notAfter).toISOString().slice(0, 10);
  const left = sayDuration(Math.abs(notAfter - now));
  if (notAfter <= now) return { text: `! expired ${left} ago, ${day}`, paint: colors.yellow };
  const soon = daysUntil(notAfter, now) < EXPIRES_SOON_DAYS;
  return soon ? { text: `! in ${left}, ${day}`, paint: colors.yellow } : `in ${left}, ${day}`;
}

/** Whether its key is trusted, and until when. */
export function standingCell(
  { trusted, known }: ShownCertificate,
  now: EpochMs,
  colors: Colors,
): Cell {
  if (known?.standing === 'refused') return { text: 'refused', paint: colors.red };
  if (known?.standing === 'withdrawn') {
    const until = known.trustedUntil === null ? '' : sayWhen(known.trustedUntil, now);
    return trusted
      ? { text: `withdrawn, trusted until ${until}`, paint: colors.yellow }
      : { text: 'withdrawn', paint: colors.dim };
  }
  return trusted
    ? { text: 'trusted', paint: colors.green }
    : { text: 'not used', paint: colors.red };
}

/** What a certificate itself says, for programs. */
export function checkedToJson(
  { subject, fingerprint, notBefore, notAfter }: CheckedCertificate,
  now: EpochMs,
): Record<string, unknown> {
  return {
    subject,
    fingerprint,
    not_before: toIso(notBefore),
    not_after: toIso(notAfter),
    days_left: daysUntil(notAfter, now),
  };
}

/** A certificate of a connection for programs. */
export function certificateToJson(
  certificate: ShownCertificate,
  now: EpochMs,
): Record<string, unknown> {
  const { use, trusted, known } = certificate;
  return {
    use,
    standing: known?.standing ?? null,
    trusted,
    ...checkedToJson(certificate, now),
    first_seen_at: toIso(known?.firstSeenAt ?? null),
    last_seen_at: toIso(known?.lastSeenAt ?? null),
    withdrawn_at: toIso(known?.withdrawnAt ?? null),
    trusted_until: toIso(known?.trustedUntil ?? null),
  };
}
