import { X509Certificate } from 'node:crypto';
import {
  endingCertificates,
  ownCertificates,
  reportCertificateEnds,
  trustedOf,
} from '@rollcall/jit-auth/connections/certificate-ends';
import { loadOwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import { toEpochMs } from '@rollcall/shared/core/time';
import { createLog } from '@rollcall/shared/telemetry/log';
import { expect, test } from 'vitest';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const DAY = 86_400_000;
const made = await makeTestKey();
const end = new X509Certificate(made.certificate).validToDate.getTime();
const before = (days: number) => toEpochMs(end - days * DAY);
const keys = await loadOwnKeys(
  { signing: [{ kind: 'env', name: 'KEY' }], decryption: [] },
  { KEY: `${made.key}\n${made.certificate}` },
);
const used = [
  ...trustedOf('acme', [made.certificate]),
  ...ownCertificates('acme', keys),
  ...ownCertificates('globex', keys),
];

test('a certificate is pointed out from 30 days before its end, once for all its connections', () => {
  expect(endingCertificates(used, before(30))).toEqual([]);
  expect(endingCertificates(used, before(29.5))).toMatchObject([
    { use: 'identity_provider', connections: ['acme'], daysLeft: 29 },
    { use: 'own_signing', connections: ['acme', 'globex'], daysLeft: 29 },
  ]);
  expect(endingCertificates(used, before(-1.5))[0]?.daysLeft).toBe(-2);
});

test('it is reported at once and again and again, until that is stopped', async () => {
  const logged: Record<string, unknown>[] = [];
  const log = createLog('info', { write: (line: string) => void logged.push(JSON.parse(line)) });
  let now = before(10);
  const user = { certificates: () => trustedOf('acme', [made.certificate]) };
  const stop = reportCertificateEnds([user], log, { clock: () => now, everyMs: 10 });
  expect(logged).toMatchObject([
    { level: 'warn', event: 'certificate.expiring', connections: ['acme'], days_left: 10 },
  ]);
  now = before(-1);
  await expect.poll(() => logged.at(-1)?.event).toBe('certificate.expired');
  stop();
  const count = logged.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(logged).toHaveLength(count);
});
