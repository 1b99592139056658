import { X509Certificate } from 'node:crypto';
import { faultOfCertificate } from '@rollcall/jit-auth/scim/certificate/certificate-binding';
import { readClientCertificate } from '@rollcall/jit-auth/scim/certificate/client-certificate';
import { isSameName, readName } from '@rollcall/jit-auth/scim/certificate/distinguished-name';
import { forwardedCertificate } from '@rollcall/jit-auth/scim/certificate/forwarded-certificate';
import type { ClientCertificateConfig } from '@rollcall/shared/config/types';
import { toEpochMs } from '@rollcall/shared/core/time';
import { generate } from 'selfsigned';
import { beforeAll, describe, expect, it } from 'vitest';

/** Made for this test: `CN=okta, O=Acme\\, Inc`, for a hundred years. */
const pem = `-----BEGIN CERTIFICATE-----
MIIBnTCCAUOgAwIBAgIUZ/h6DmRwhtbvEKLSHTjeODFH5zEwCgYIKoZIzj0EAwIw
IzENMAsGA1UEAwwEb2t0YTESMBAGA1UECgwJQWNtZSwgSW5jMCAXDTI2MTEyNTEw
NTQzOVoYDzIxMjYxMTAxMTA1NDM5WjAjMQ0wCwYDVQQDDARva3RhMRIwEAYDVQQK
DAlBY21lLCBJbmMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARZcmP7KaN42zKg
kSG6szexX1n80v87c+CqUoXwWyz5OJoEXBkNF9DQKg1BAyHRt1k6qS0KJHePwdyK
6RSMm1yuo1MwUTAdBgNVHQ4EFgQUIxsr4adOQeZSkWrFeN3lIplqhIAwHwYDVR0j
BBgwFoAUIxsr4adOQeZSkWrFeN3lIplqhIAwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEA4rPfIvsAd9ws/Z4J/c3ettqMnfmVvOYs5Opf/v2fHRYC
IDgUZNEPwWhEEePCL4K/biHD77sjhkoTmYNH/voH5naN
-----END CERTIFICATE-----
`;
const certificate = new X509Certificate(pem);
const der = certificate.raw.toString('base64');
const thumbprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();

let other: string;
beforeAll(async () => {
  const { cert } = await generate([{ name: 'commonName', value: 'mallory' }], {
    algorithm: 'sha256',
  });
  other = new X509Certificate(cert).raw.toString('base64');
});

const now = () => toEpochMs(certificate.validFromDate.getTime() + 1_000);

describe('each form in which a proxy says it', () => {
  it('is read', () => {
    const escaped = encodeURIComponent(pem);
    const said = [
      readClientCertificate(`:${der}:`, 'rfc9440'),
      readClientCertificate(escaped, 'pem'),
      // AWS leaves what base64 has as it is.
      readClientCertificate(
        escaped.replace(/%2B/g, '+').replace(/%2F/g, '/').replace(/%3D/g, '='),
        'pem',
      ),
      readClientCertificate(der, 'der'),
      readClientCertificate(`${der},${other}`, 'der'),
      readClientCertificate(encodeURIComponent(der), 'der'),
      readClientCertificate(`By=spiffe://mesh/web;Hash=${thumbprint};Cert="${escaped}"`, 'xfcc'),
    ];
    const subject = ['cn=okta', 'o=Acme, Inc'];
    for (const one of said) expect(one).toMatchObject({ thumbprint, subject });
    const hearsay = `Hash=${'0'.repeat(64)};Subject="CN=mallory",Hash=${thumbprint};Subject="CN=okta,O=Acme\\, Inc"`;
    expect(readClientCertificate(hearsay, 'xfcc')).toEqual({ thumbprint, subject, validity: null });
  });

  it.each([
    ['rfc9440', ''],
    ['rfc9440', 'MIIB'],
    ['rfc9440', ':MIIB:'],
    ['rfc9440', ':MIIB:, :MIIB:'],
    ['pem', '%E0%A4%A'],
    ['pem', '-----BEGIN CERTIFICATE-----%0AAAAA%0A-----END CERTIFICATE-----'],
    ['der', 'Subject%3D%22CN%3Dokta%22'],
    ['xfcc', 'Subject="CN=okta"'],
    ['xfcc', `Hash=${'a'.repeat(64)};Hash=${'b'.repeat(64)}`],
    ['xfcc', `Hash=${'a'.repeat(64)};Cert="nothing"`],
    ['xfcc', `Hash="${'a'.repeat(64)}`],
    ['xfcc', `Hash=${'a'.repeat(63)}`],
  ] as const)('%s %j names nobody', (form, header) => {
    expect(readClientCertificate(header, form)).toBeNull();
  });

  it('a hash that is not the certificate beside it names nobody', () => {
    const header = `Hash=${'0'.repeat(64)};Cert="${encodeURIComponent(pem)}"`;
    expect(readClientCertificate(header, 'xfcc')).toBeNull();
  });

  it('two of one kind, one of which a client may have written, name nobody', () => {
    expect(readClientCertificate(`:${other}:, :${der}:`, 'rfc9440')).toBeNull();
    expect(readClientCertificate(encodeURIComponent(`${pem}${pem}`), 'pem')).toBeNull();
  });
});

describe('whose word counts', () => {
  const config = (more: Partial<ClientCertificateConfig> = {}): ClientCertificateConfig => ({
    header: 'client-cert',
    form: 'rfc9440',
    proxies: ['10.0.3.0/24', '::1'],
    ...more,
  });
  const from = (remoteAddress: string | undefined, ...lines: string[]) =>
    ({
      socket: { remoteAddress },
      headersDistinct: { 'client-cert': lines },
    }) as unknown as Parameters<typeof forwardedCertificate>[0];

  it('is a proxy that is named, on its own connection', () => {
    const line = `:${der}:`;
    for (const address of ['10.0.3.7', '::ffff:10.0.3.7', '::1']) {
      expect(forwardedCertificate(from(address, line), config())).toMatchObject({ thumbprint });
    }
    for (const address of ['10.0.4.7', '127.0.0.1', '::2', undefined]) {
      expect(forwardedCertificate(from(address, line), config())).toBeNull();
    }
    expect(forwardedCertificate(from('10.0.3.7', line), null)).toBeNull();
    expect(forwardedCertificate(from('10.0.3.7'), config())).toBeNull();
    // One line of the client's, and one that the proxy added to it.
    expect(forwardedCertificate(from('10.0.3.7', `:${other}:`, line), config())).toBeNull();
  });
});

describe('what a token demands', () => {
  const bound = (sha256: string | null, subject: string | null = null) => ({
    certificateSha256: sha256,
    certificateSubject: subject,
  });

  it('is the certificate itself, or its subject, while it is valid', () => {
    const shown = readClientCertificate(der, 'der');
    expect(faultOfCertificate(bound(null), null, now())).toBeNull();
    expect(faultOfCertificate(bound(thumbprint), shown, now())).toBeNull();
    expect(faultOfCertificate(bound(null, 'o=Acme\\, Inc, CN=okta'), shown, now())).toBeNull();
    expect(faultOfCertificate(bound(thumbprint), null, now())).toBe('no_certificate');
    const stranger = readClientCertificate(other, 'der');
    expect(faultOfCertificate(bound(thumbprint), stranger, now())).toBe('other_certificate');
    for (const subject of ['CN=okta', 'CN=Okta,O=Acme\\, Inc', 'CN=okta,O=Acme,O=Inc']) {
      expect(faultOfCertificate(bound(null, subject), shown, now())).toBe('other_certificate');
    }
    const both = bound(thumbprint, 'CN=mallory');
    expect(faultOfCertificate(both, shown, now())).toBe('other_certificate');
    const late = toEpochMs(now() + 100 * 365 * 86_400_000);
    expect(faultOfCertificate(bound(thumbprint), shown, late)).toBe('other_certificate');
  });

  it('names are compared part by part', () => {
    const same = (one: string, two: string) => {
      const [a, b] = [readName(one), readName(two)];
      return a !== null && b !== null && isSameName(a, b);
    };
    expect(same('CN=a,O=b', 'O=b\nCN=a')).toBe(true);
    expect(same('CN=a+OU=c,O=b', 'O=b,OU=c,CN=a')).toBe(true);
    expect(same('CN=Zo\\C3\\AB', 'cn = Zoë')).toBe(true);
    expect(same('CN=a,O=b', 'CN=a\\,O=b')).toBe(false);
    expect([readName(''), readName('okta'), readName('CN='), readName('CN=a,')]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});
