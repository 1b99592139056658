import { X509Certificate } from 'node:crypto';
import type { EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { OwnKeys } from '../saml/own-keys.ts';

/** A certificate that a connection depends on. */
export interface UsedCertificate {
  readonly connection: string;
  readonly use: 'identity_provider' | 'own_signing' | 'own_decryption';
  readonly certificate: X509Certificate;
}

/** One that has ended, or ends soon. */
export interface EndingCertificate extends Omit<UsedCertificate, 'connection'> {
  /** Every connection that uses it. */
  readonly connections: readonly string[];
  /** Whole days; negative where it has ended. */
  readonly daysLeft: number;
}

const DAY_MS = 86_400_000;
/** From so many days before its end a certificate is pointed out. */
const SOON_DAYS = 30;

/** Those of certificates that have ended or end within 30 days, each once, the first to end first. */
export function endingCertificates(
  used: readonly UsedCertificate[],
  now: EpochMs,
): readonly EndingCertificate[] {
  const ending = new Map<string, EndingCertificate>();
  for (const { connection, use, certificate } of used) {
    const daysLeft = Math.floor((certificate.validToDate.getTime() - now) / DAY_MS);
    if (daysLeft >= SOON_DAYS) continue;
    const key = `${use} ${certificate.fingerprint256}`;
    const connections = [...(ending.get(key)?.connections ?? []), connection];
    ending.set(key, { use, certificate, connections, daysLeft });
  }
  return [...ending.values()].sort((a, b) => a.daysLeft - b.daysLeft);
}

/** The certificates of our own keys that a connection depends on. */
export function ownCertificates(
  connection: string,
  { signing, decryption }: OwnKeys,
): readonly UsedCertificate[] {
  return [
    ...signing.map(({ certificate }) => ({ connection, use: 'own_signing' as const, certificate })),
    ...decryption.map(({ certificate }) => ({
      connection,
      use: 'own_decryption' as const,
      certificate,
    })),
  ];
}

/** The certificates that an identity provider may sign with. */
export function trustedOf(
  connection: string,
  certificates: readonly string[],
): readonly UsedCertificate[] {
  const use = 'identity_provider' as const;
  return certificates.map((pem) => ({ connection, use, certificate: new X509Certificate(pem) }));
}

/** Whoever knows which certificates are used now. */
interface CertificateUser {
  certificates(): readonly UsedCertificate[];
}

/**
 * Warns of certificates that end, now and every day: `certificate.expiring` from 30 days
 * before, `certificate.expired` after. None is refused for it: what is trusted is the key,
 * and a provider that is late with its certificate is no reason to keep everybody out.
 * Answers with what stops it.
 */
export function reportCertificateEnds(
  users: Iterable<CertificateUser>,
  log: Log,
  { clock = currentTime, everyMs = DAY_MS }: { clock?: () => EpochMs; everyMs?: number } = {},
): () => void {
  const all = [...users];
  const report = (): void => {
    const used = all.flatMap((user) => user.certificates());
    for (const { use, certificate, connections, daysLeft } of endingCertificates(used, clock())) {
      log.warn({
        event: daysLeft < 0 ? 'certificate.expired' : 'certificate.expiring',
        connections,
        use,
        fingerprint: certificate.fingerprint256,
        not_after: certificate.validToDate,
        days_left: daysLeft,
      });
    }
  };
  report();
  const timer = setInterval(report, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
