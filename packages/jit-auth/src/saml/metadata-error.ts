import { AppError } from '@rollcall/shared/core/errors';

/** Why the metadata of an identity provider cannot be used. `docs/errors.md` explains each. */
export type MetadataErrorCode =
  | 'saml.metadata_unreachable'
  | 'saml.metadata_redirected'
  | 'saml.metadata_private_address'
  | 'saml.metadata_unreadable'
  | 'saml.metadata_too_large'
  | 'saml.metadata_doctype'
  | 'saml.metadata_not_xml'
  | 'saml.metadata_no_entity'
  | 'saml.metadata_ambiguous'
  | 'saml.metadata_expired'
  | 'saml.metadata_not_signed'
  | 'saml.metadata_signature_invalid'
  | 'saml.metadata_no_idp'
  | 'saml.metadata_no_redirect_sso'
  | 'saml.metadata_no_certificate'
  | 'saml.metadata_bad_certificate'
  | 'saml.metadata_unusable_key';

const SENTENCES: Readonly<Record<MetadataErrorCode, string>> = {
  'saml.metadata_unreachable': 'The metadata of the identity provider could not be fetched.',
  'saml.metadata_redirected':
    'The metadata address answers with a redirect, which is not followed.',
  'saml.metadata_private_address':
    'The metadata address leads to this machine or into a private network, which is not allowed.',
  'saml.metadata_unreadable': 'The metadata file could not be read.',
  'saml.metadata_too_large': 'The metadata is larger than 1 MB.',
  'saml.metadata_doctype': 'The metadata has a document type, which is not allowed.',
  'saml.metadata_not_xml': 'The metadata is not well-formed XML.',
  'saml.metadata_no_entity': 'The metadata does not describe the identity provider.',
  'saml.metadata_ambiguous': 'The metadata describes more than one identity provider.',
  'saml.metadata_expired': 'The metadata says that it is no longer valid.',
  'saml.metadata_not_signed':
    'The metadata is not signed, although a certificate is pinned for it.',
  'saml.metadata_signature_invalid': 'The signature of the metadata does not hold.',
  'saml.metadata_no_idp': 'The metadata describes no SAML 2.0 identity provider.',
  'saml.metadata_no_redirect_sso': 'The identity provider offers no sign-in by HTTP-Redirect.',
  'saml.metadata_no_certificate': 'The metadata has no certificate for signing.',
  'saml.metadata_bad_certificate': 'The metadata has a certificate that cannot be read.',
  'saml.metadata_unusable_key': 'No key of the identity provider can be used.',
};

/** An error about metadata: for the operator, who configured where it comes from. */
export function metadataError(
  code: MetadataErrorCode,
  expected: string,
  received: string,
  cause?: unknown,
): AppError {
  const detail = { expected, received: received.slice(0, 300) };
  const sentence = `${SENTENCES[code]} Expected ${expected}, received ${detail.received}.`;
  return new AppError(code, sentence, cause === undefined ? { detail } : { detail, cause });
}
