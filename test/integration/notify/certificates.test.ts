import { X509Certificate } from 'node:crypto';
import { trustedOf } from '@rollcall/jit-auth/connections/certificate-ends';
import {
  certificateNotices,
  raiseCertificateNotices,
} from '@rollcall/jit-auth/connections/certificate-notices';
import { toEpochMs } from '@rollcall/shared/core/time';
import { listNotifications } from '@rollcall/shared/notify/waiting';
import { createLog } from '@rollcall/shared/telemetry/log';
import { generate } from 'selfsigned';
import { expect, it } from 'vitest';
import { openScene } from '../access/people.ts';

const DAY = 86_400_000;
const NOW = toEpochMs(Date.UTC(2026, 10, 25));

async function certificateFor(days: number): Promise<string> {
  const notBeforeDate = new Date(NOW - DAY);
  const notAfterDate = new Date(NOW + days * DAY);
  const made = await generate([{ name: 'commonName', value: 'idp' }], {
    notBeforeDate,
    notAfterDate,
  });
  return made.cert;
}
const short = await certificateFor(30);
const long = await certificateFor(60);
const before = (days: number) =>
  toEpochMs(new X509Certificate(short).validToDate.getTime() - days * DAY);

it('is told at 30, 14, 7 and 1 days before the end of a certificate, and after it', () => {
  const abouts = (days: number) =>
    certificateNotices(trustedOf('acme', [short]), before(days)).map(({ about }) =>
      about.split(' ').slice(1).join(' '),
    );
  const told = [31, 30, 29.5, 20, 14.5, 13.5, 7.5, 6.5, 1.5, 0.5, -0.5].map(
    (days) => abouts(days)[0],
  );
  expect(told).toEqual([
    undefined,
    undefined,
    '30 days',
    '30 days',
    '14 days',
    '14 days',
    '7 days',
    '7 days',
    '1 days',
    '1 days',
    'ended',
  ]);
});

it('is not told of a certificate beside another one that is good for longer', () => {
  expect(certificateNotices(trustedOf('acme', [short, long]), before(10))).toEqual([]);
  const both = [...trustedOf('acme', [short, long]), ...trustedOf('globex', [short])];
  expect(certificateNotices(both, before(10))).toMatchObject([
    {
      connectionId: 'globex',
      facts: { whose: 'identity_provider', days_left: 10, connections: ['globex'] },
    },
  ]);
  const shared = [...trustedOf('acme', [short]), ...trustedOf('globex', [short])];
  expect(certificateNotices(shared, before(10))).toMatchObject([
    { connectionId: null, facts: { connections: ['acme', 'globex'] } },
  ]);
});

it('is told once, by however many instances', async () => {
  const scene = await openScene();
  const users = [{ certificates: () => trustedOf('acme', [short]) }];
  const parts = { db: scene.db, log: createLog('silent'), clock: () => before(10) };
  const stops = [raiseCertificateNotices(users, parts), raiseCertificateNotices(users, parts)];
  for (const stop of stops) await stop();
  const all = await listNotifications(scene.db, { event: null, connection: null, limit: 9 });
  expect(all).toMatchObject([{ event: 'certificate.expiring', connection: 'acme' }]);
  await scene.drop();
});
