import { toConnectionId } from '@rollcall/shared/core/ids';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { type Notification, raise } from '@rollcall/shared/notify/raise';
import type { Log } from '@rollcall/shared/telemetry/log';
import { endingCertificates, type UsedCertificate } from './certificate-ends.ts';

type Notice = Extract<Notification, { event: 'certificate.expiring' }>;

const DAY_MS = 86_400_000;
/** So many days before the end somebody is told, and once more when it has come. */
const STEPS = [1, 7, 14, 30];
const EVERY_MS = 3_600_000;

/**
 * What is to be told of certificates that end: each at 30, 14, 7 and 1 days before, and
 * after. One of an identity provider that has another for longer is about to be replaced:
 * that is how keys are changed, and nobody is told.
 */
export function certificateNotices(
  used: readonly UsedCertificate[],
  now: EpochMs,
): readonly Notice[] {
  const lasting = new Set(
    used.filter((one) => isLasting(one, now)).map(({ connection }) => connection),
  );
  const worrying = used.filter(
    ({ use, connection }) => use !== 'identity_provider' || !lasting.has(connection),
  );
  return endingCertificates(worrying, now).map(({ use, certificate, connections, daysLeft }) => {
    const fingerprint = certificate.fingerprint256;
    const [only, ...others] = connections;
    return {
      event: 'certificate.expiring',
      connectionId: only === undefined || others.length > 0 ? null : toConnectionId(only),
      about: `${fingerprint} ${stepOf(daysLeft)}`,
      facts: {
        whose: use === 'identity_provider' ? 'identity_provider' : 'ours',
        use: use === 'own_decryption' ? 'decryption' : 'signing',
        fingerprint,
        expires_at: certificate.validToDate.toISOString(),
        days_left: daysLeft,
        connections,
      },
    };
  });
}

function isLasting({ use, certificate }: UsedCertificate, now: EpochMs): boolean {
  const longest = Math.max(...STEPS) * DAY_MS;
  return use === 'identity_provider' && certificate.validToDate.getTime() - now >= longest;
}

function stepOf(daysLeft: number): string {
  if (daysLeft < 0) return 'ended';
  return `${STEPS.find((days) => daysLeft <= days) ?? Math.max(...STEPS)} days`;
}

/** Raises what is to be told of certificates, now and every hour. Answers with what stops it. */
export function raiseCertificateNotices(
  users: Iterable<{ certificates(): readonly UsedCertificate[] }>,
  { db, log, clock = currentTime }: { db: Database; log: Log; clock?: () => EpochMs },
): () => Promise<void> {
  const all = [...users];
  const raiseAll = async (): Promise<void> => {
    const now = clock();
    const notices = certificateNotices(
      all.flatMap((user) => user.certificates()),
      now,
    );
    if (notices.length === 0) return;
    await inTransaction(db, async (tx) => {
      for (const notice of notices) await raise(tx, notice, now);
    }).catch((error: unknown) => log.warn({ event: 'certificate.not_raised', err: error }));
  };
  let running = raiseAll();
  const timer = setInterval(() => {
    running = running.then(raiseAll);
  }, EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    return running;
  };
}
