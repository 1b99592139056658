import { copyKey } from '@rollcall/jit-auth/connections/url-keeper';
import { lookupOfProvider } from '@rollcall/jit-auth/saml/metadata-address';
import { loadOwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import type { ConnectionConfig } from '@rollcall/shared/config/types';
import type { Database } from '@rollcall/shared/db/database';
import { readCopy } from '@rollcall/shared/db/identity-providers';
import {
  type CheckedCertificate,
  checkConnection,
  readCertificate,
} from '../queries/check-configuration.ts';
import { daysUntil, sayDuration, sayWhen } from '../render/when.ts';
import { judgeClock } from './clock.ts';
import { type Finding, faultOf, ok, wrong } from './finding.ts';
import { askAddress } from './http-answer.ts';
import type { Patient } from './patient.ts';

/** From so many days before its end a certificate is pointed out. */
const SOON_DAYS = 30;
/** Whoever waits at a terminal wants to know now. */
const PATIENCE = { attempts: 2, firstWaitMs: 500, timeoutMs: 5_000 };

/** What is trusted of the identity provider, its certificates and its clock. */
export async function examineIdentityProvider(
  connection: ConnectionConfig,
  { config, clock, advice }: Patient,
): Promise<readonly Finding[]> {
  const index = config.connections.indexOf(connection);
  const { checked, problem } = await checkConnection(connection, index, clock(), PATIENCE);
  if (problem !== null || checked.idp === null) {
    const { code, message } = problem ?? { code: 'internal', message: 'nothing was loaded' };
    const cure = advice.of(code, connection.preset) ?? `Correct connections.${index}.idp.`;
    return [wrong('fault', 'metadata', { code, message, cure })];
  }
  const { entityId, certificates } = checked.idp;
  const loaded = ok('metadata', entityId);
  return [
    loaded,
    ...judgeCertificates(certificates, clock()),
    ...(await examineClock(connection, { clock })),
  ];
}

/**
 * The copy that the service keeps of metadata from an address: with it sign-ins go on
 * while the address does not answer.
 */
export async function examineCopy(
  { id, idp, preset }: ConnectionConfig,
  db: Database,
  { clock, advice }: Pick<Patient, 'clock' | 'advice'>,
): Promise<readonly Finding[]> {
  if (idp.kind !== 'metadata_url') return [];
  const copy = await readCopy(db, copyKey(id, idp.url));
  // Nothing was kept before the service first ran.
  if (copy === null) return [];
  const { fetched, failures, lastFailure } = copy;
  const kept =
    fetched === null
      ? 'no copy is kept'
      : `a copy of ${sayWhen(fetched.fetchedAt, clock())} is kept`;
  if (failures === 0 || lastFailure === null) return [ok('copy', kept)];
  const message = `${kept}; since then ${failures} fetches by the service failed: ${lastFailure.sentence}`;
  const cure = advice.of(lastFailure.code, preset) ?? 'See docs/errors.md.';
  const verdict = fetched === null ? 'fault' : 'warning';
  return [wrong(verdict, 'copy', { code: lastFailure.code, message, cure })];
}

/** The clock of the server that the metadata comes from: usually the provider's own. */
async function examineClock(
  { idp }: ConnectionConfig,
  { clock }: Pick<Patient, 'clock'>,
): Promise<readonly Finding[]> {
  if (idp.kind !== 'metadata_url') return [];
  const url = new URL(idp.url);
  const lookup = lookupOfProvider(url, { allowPrivate: idp.allowPrivateAddress });
  const answer = await askAddress(idp.url, clock, lookup);
  if ('why' in answer || answer.clock === null) return [];
  return [judgeClock('clock', "the identity provider's clock", answer.clock)];
}

/** The provider's certificates; an old one beside a good one is how keys are changed. */
export function judgeCertificates(
  certificates: readonly CheckedCertificate[],
  now: CheckedCertificate['notAfter'],
): readonly Finding[] {
  const good = certificates.some(({ notAfter }) => daysUntil(notAfter, now) >= SOON_DAYS);
  return certificates.map((certificate) => {
    const said = sayEnd(certificate, now);
    const left = daysUntil(certificate.notAfter, now);
    if (left >= SOON_DAYS) return ok('certificate', said);
    if (good) return ok('certificate', `${said}; another one is good for longer`);
    const ended = certificate.notAfter <= now;
    return wrong(ended ? 'fault' : 'warning', 'certificate', {
      code: ended ? 'doctor.certificate_expired' : 'doctor.certificate_expires_soon',
      message: `the identity provider's certificate ${said}`,
      cure: 'Have the identity provider make a new signing certificate, and let it be in the metadata (or certs) before it is used.',
    });
  });
}

/** Our own keys: whether they can be used, and for how long. */
export async function examineOwnKeys(
  connection: ConnectionConfig,
  { config, env, clock }: Patient,
): Promise<readonly Finding[]> {
  const references = connection.keys ?? config.saml;
  if (references.signing.length + references.decryption.length === 0) return [];
  try {
    const keys = await loadOwnKeys(references, env);
    const uses = [
      ['signing', keys.signing],
      ['decryption', keys.decryption],
    ] as const;
    return uses.flatMap(([use, list]) =>
      list.map(({ certificate }) =>
        judgeOwn(use, readCertificate(certificate.toString()), clock()),
      ),
    );
  } catch (error) {
    return [
      faultOf('own keys', error, 'Write a key and its certificate as docs/errors.md has it.'),
    ];
  }
}

function judgeOwn(
  use: string,
  own: CheckedCertificate,
  now: CheckedCertificate['notAfter'],
): Finding {
  const said = sayEnd(own, now);
  if (daysUntil(own.notAfter, now) >= SOON_DAYS) return ok('own keys', `for ${use}, ${said}`);
  const ended = own.notAfter <= now;
  return wrong(ended ? 'fault' : 'warning', 'own keys', {
    code: ended ? 'doctor.certificate_expired' : 'doctor.certificate_expires_soon',
    message: `our own certificate for ${use}, ${said}`,
    cure: 'Put a new key before it in the configuration, and give the identity provider our metadata again.',
  });
}

function sayEnd(
  { notAfter, fingerprint }: CheckedCertificate,
  now: CheckedCertificate['notAfter'],
): string {
  const day = new Date(notAfter).toISOString().slice(0, 10);
  const left = sayDuration(Math.abs(notAfter - now));
  const end = notAfter <= now ? `expired ${left} ago, on ${day}` : `expires in ${left}, on ${day}`;
  return `${fingerprint.slice(0, 11)}… ${end}`;
}
