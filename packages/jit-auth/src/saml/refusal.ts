import { AppError } from '@rollcall/shared/core/errors';

/**
 * Whatever went wrong with a response, a stranger reads the same sentence: which
 * check failed helps only somebody who forges one. The code and the detail are
 * for the log.
 */
export const PUBLIC_SENTENCE =
  'The sign-in could not be completed. Please start again; if it happens again, tell your administrator the reference below.';

/** Every reason why a sign-in by SAML is refused. `docs/errors.md` explains each. */
export type SamlRefusalCode =
  // What was posted.
  | 'saml.response_missing'
  | 'saml.response_repeated'
  | 'saml.bad_base64'
  | 'saml.too_large'
  | 'saml.bad_utf8'
  | 'saml.not_xml'
  | 'saml.too_many_elements'
  | 'saml.too_many_attributes'
  | 'saml.too_deep'
  | 'saml.forbidden_markup'
  | 'saml.algorithm_not_allowed'
  | 'saml.too_many_signatures'
  | 'saml.not_one_assertion'
  | 'saml.encrypted_not_supported'
  | 'saml.encrypted_without_key'
  | 'saml.not_encrypted'
  | 'saml.decryption_failed'
  | 'saml.malformed'
  // Signatures.
  | 'saml.signature_missing'
  | 'saml.signature_malformed'
  | 'saml.reference_mismatch'
  | 'saml.not_canonical'
  | 'saml.digest_mismatch'
  | 'saml.signature_invalid'
  | 'saml.too_much_unsigned'
  | 'saml.second_verifier_refused'
  | 'saml.verifiers_disagree'
  // The request that it answers.
  | 'saml.request_unknown'
  | 'saml.other_browser'
  | 'saml.unsolicited_not_allowed'
  | 'saml.in_response_to_mismatch'
  // What it says.
  | 'saml.version_mismatch'
  | 'saml.status_not_success'
  | 'saml.issuer_mismatch'
  | 'saml.destination_mismatch'
  | 'saml.bad_instant'
  | 'saml.issued_in_future'
  | 'saml.too_old'
  | 'saml.name_id_missing'
  | 'saml.subject_not_confirmed'
  | 'saml.recipient_mismatch'
  | 'saml.confirmation_not_before'
  | 'saml.confirmation_expired'
  | 'saml.conditions_missing'
  | 'saml.condition_unknown'
  | 'saml.not_yet_valid'
  | 'saml.expired'
  | 'saml.window_too_long'
  | 'saml.audience_mismatch'
  | 'saml.not_one_authn_statement'
  | 'saml.authn_in_future'
  | 'saml.authn_too_old'
  | 'saml.authn_context_mismatch'
  | 'saml.session_expired'
  | 'saml.replayed'
  // Single logout.
  | 'saml.logout_message_missing'
  | 'saml.logout_query_malformed'
  | 'saml.logout_not_inflatable'
  | 'saml.logout_not_signed'
  | 'saml.logout_encrypted_id'
  | 'saml.logout_expired'
  | 'saml.logout_replayed'
  | 'saml.logout_request_unknown';

/** What the log says of a refusal: one value wanted, one value seen, no secret. */
export interface RefusalDetail extends Readonly<Record<string, unknown>> {
  readonly expected: unknown;
  readonly received: unknown;
}

const LONGEST_VALUE = 300;

/** A response that admits nobody. Its message is always {@link PUBLIC_SENTENCE}. */
export class SamlRefusal extends AppError {
  declare readonly code: SamlRefusalCode;
  declare readonly detail: RefusalDetail;

  constructor(code: SamlRefusalCode, detail: RefusalDetail, cause?: unknown) {
    super(code, PUBLIC_SENTENCE, {
      detail: { ...detail, expected: shorten(detail.expected), received: shorten(detail.received) },
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'SamlRefusal';
  }
}

/** The refusal of a value: what was wanted, and what came. */
export function refuse(
  code: SamlRefusalCode,
  expected: string | readonly string[],
  received: string,
): SamlRefusal {
  return new SamlRefusal(code, { expected, received });
}

/**
 * Values come from strangers: none may fill the log. Half a surrogate pair, left by a cut
 * here or before, is nothing that a database takes.
 */
function shorten(value: unknown): unknown {
  if (typeof value === 'string') {
    const cut = value.length > LONGEST_VALUE ? `${value.slice(0, LONGEST_VALUE)}…` : value;
    return cut.toWellFormed();
  }
  if (Array.isArray(value)) return value.slice(0, 20).map(shorten);
  return value;
}
