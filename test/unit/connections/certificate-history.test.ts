import { X509Certificate } from 'node:crypto';
import {
  announceCertificates,
  refuseCertificates,
  trustedCertificates,
} from '@rollcall/jit-auth/connections/certificate-history';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import type { KnownCertificate } from '@rollcall/shared/db/identity-providers';
import { describe, expect, test } from 'vitest';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const HOUR = 3_600_000;
const POLICY = { overlapMs: 24 * HOUR, refreshMs: HOUR };
const [a, b, c] = (await Promise.all([makeTestKey(), makeTestKey(), makeTestKey()])).map(
  ({ certificate }) => new X509Certificate(certificate).toString(),
) as [string, string, string];

const at = (hours: number): EpochMs => toEpochMs(1_780_000_000_000 + hours * HOUR);

/** Plays one listing of the metadata after the other; answers with what is known at the end. */
function play(
  listings: readonly (readonly [number, readonly string[]])[],
  policy = POLICY,
): readonly KnownCertificate[] {
  return listings.reduce<readonly KnownCertificate[]>(
    (known, [hours, pems]) => announceCertificates(known, pems, at(hours), policy),
    [],
  );
}

const trusted = (known: readonly KnownCertificate[], hours: number, policy = POLICY) =>
  trustedCertificates(known, at(hours), policy);

describe('a key that is replaced from one moment to the next', () => {
  const known = play([
    [0, [a]],
    [100, [b]],
  ]);

  test('is trusted beside the new one for the overlap, and not after', () => {
    expect(trusted(known, 100)).toEqual([b, a]);
    expect(trusted(known, 123.9)).toEqual([b, a]);
    expect(trusted(known, 124)).toEqual([b]);
  });

  test('is not kept longer by a replacement that follows', () => {
    const again = announceCertificates(known, [c], at(110), POLICY);
    expect(trusted(again, 123.9)).toEqual([c, b, a]);
    expect(trusted(again, 124)).toEqual([c, b]);
    expect(trusted(again, 134)).toEqual([c]);
  });

  test('goes at once where the configuration says so afterwards', () => {
    expect(trusted(known, 100, { ...POLICY, overlapMs: 0 })).toEqual([b]);
  });
});

describe('a key that is taken away while another has long been announced', () => {
  const known = play([
    [0, [a, b]],
    [100, [b]],
  ]);

  test('goes after two refreshes: its provider made the overlap itself', () => {
    expect(trusted(known, 101.9)).toEqual([b, a]);
    expect(trusted(known, 102)).toEqual([b]);
  });

  test('stays where a server that lags behind names it again', () => {
    const back = announceCertificates(known, [a, b], at(101), POLICY);
    expect(trusted(back, 500)).toEqual([a, b]);
    expect(back.map((one) => one.firstSeenAt)).toEqual([at(0), at(0)]);
  });

  test('is as new as any where it comes back after it had gone', () => {
    const back = announceCertificates(known, [a, b], at(200), POLICY);
    expect(back.find((one) => one.pem === a)?.firstSeenAt).toBe(at(200));
  });
});

describe('a new key', () => {
  test('survives one answer of a server that lags behind', () => {
    const known = play([
      [0, [a]],
      [100, [b]],
      [101, [a]],
    ]);
    expect(trusted(known, 102)).toEqual([a, b]);
    const forward = announceCertificates(known, [b], at(102), POLICY);
    expect(trusted(forward, 102)).toEqual([b, a]);
  });

  test('is trusted at once', () => {
    expect(
      trusted(
        play([
          [0, [a]],
          [1, [a, b]],
        ]),
        1,
      ),
    ).toEqual([a, b]);
  });
});

describe('a provider that replaces its key again and again', () => {
  test('has no more than five old ones, the newest', async () => {
    const pems = await Promise.all(
      Array.from({ length: 8 }, async () =>
        new X509Certificate((await makeTestKey()).certificate).toString(),
      ),
    );
    const known = play(pems.map((pem, index) => [index / 10, [pem]]));
    expect(trusted(known, 1)).toEqual(pems.toReversed().slice(0, 6));
  });
});

describe('certificates of metadata that was not believed', () => {
  const before = play([[0, [a]]]);
  const known = refuseCertificates(before, [a, b], at(1));

  test('are kept to be looked at, and trusted never', () => {
    expect(known.map((one) => [one.pem, one.standing])).toEqual([
      [a, 'announced'],
      [b, 'refused'],
    ]);
    expect(trusted(known, 1)).toEqual([a]);
  });

  test('are told once, with when they were last seen', () => {
    const again = refuseCertificates(known, [b], at(5));
    expect(again).toHaveLength(2);
    expect(again[1]).toMatchObject({ firstSeenAt: at(1), lastSeenAt: at(5) });
  });

  test('are as new as any once they are believed', () => {
    const believed = announceCertificates(known, [a, b], at(9), POLICY);
    expect(trusted(believed, 9)).toEqual([a, b]);
    expect(believed[1]).toMatchObject({ standing: 'announced', firstSeenAt: at(9) });
  });

  test('are no more than ten, and are forgotten after 90 days', async () => {
    const pems = await Promise.all(
      Array.from({ length: 12 }, async () => (await makeTestKey()).certificate),
    );
    const many = refuseCertificates(before, pems, at(1));
    expect(many.filter((one) => one.standing === 'refused')).toHaveLength(10);
    const later = announceCertificates(many, [a], at(24 * 92), POLICY);
    expect(later.map((one) => one.pem)).toEqual([a]);
  });
});
