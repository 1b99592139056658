import type { EpochMs } from '@rollcall/shared/core/time';
import type { ScimToken } from '@rollcall/shared/db/scim-tokens';
import type { ClientCertificate } from './client-certificate.ts';
import { isSameName, readName } from './distinguished-name.ts';

/** What of a token says with which certificate it may be used. */
export type CertificateBinding = Pick<ScimToken, 'certificateSha256' | 'certificateSubject'>;

/** Why a token may not be used with a certificate, or without one. */
export type CertificateFault = 'no_certificate' | 'other_certificate';

/** Whether a token demands a certificate at all. Pure. */
export function demandsCertificate(token: CertificateBinding): boolean {
  return token.certificateSha256 !== null || token.certificateSubject !== null;
}

/** Whether the certificate is the one that a token demands: null where it is. Pure. */
export function faultOfCertificate(
  token: CertificateBinding,
  certificate: ClientCertificate | null,
  now: EpochMs,
): CertificateFault | null {
  if (!demandsCertificate(token)) return null;
  if (certificate === null) return 'no_certificate';
  const { thumbprint, subject, validity } = certificate;
  if (validity !== null && (now < validity[0] || now > validity[1])) return 'other_certificate';
  if (token.certificateSha256 !== null && token.certificateSha256 !== thumbprint) {
    return 'other_certificate';
  }
  if (token.certificateSubject === null) return null;
  const wanted = readName(token.certificateSubject);
  const isSame = wanted !== null && subject !== null && isSameName(wanted, subject);
  return isSame ? null : 'other_certificate';
}
