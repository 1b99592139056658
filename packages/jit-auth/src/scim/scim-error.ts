import { AppError } from '@rollcall/shared/core/errors';

/** What went wrong, for programs: RFC 7644 §3.12 table 9, and RFC 9865 §2.1 for the last three. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

/** The codes under which docs/errors.md explains each of them. */
const CODES: Readonly<Record<ScimType, string>> = {
  invalidFilter: 'scim.invalid_filter',
  tooMany: 'scim.too_many',
  uniqueness: 'scim.uniqueness',
  mutability: 'scim.mutability',
  invalidSyntax: 'scim.invalid_syntax',
  invalidPath: 'scim.invalid_path',
  noTarget: 'scim.no_target',
  invalidValue: 'scim.invalid_value',
  invalidVers: 'scim.invalid_version',
  sensitive: 'scim.sensitive',
  invalidCursor: 'scim.invalid_cursor',
  expiredCursor: 'scim.expired_cursor',
  invalidCount: 'scim.invalid_count',
};

/**
 * A request that SCIM answers with an error of its own shape (RFC 7644 §3.12). The
 * message goes to the client: it names attributes and positions, never a secret.
 */
export class ScimError extends AppError {
  readonly status: number;
  readonly scimType: ScimType | null;

  constructor(
    status: number,
    scimType: ScimType | null,
    code: string,
    message: string,
    detail: Readonly<Record<string, unknown>> = {},
  ) {
    super(code, message, { detail });
    this.name = 'ScimError';
    this.status = status;
    this.scimType = scimType;
  }
}

/** What nobody foresaw, told without a word of it. */
export function unforeseen(): ScimError {
  const message = 'The request could not be carried out. Nothing of it was: try again.';
  return new ScimError(500, null, 'scim.failed', message);
}

/** An error with status 400, or 409 for what has to be unique. */
export function badRequest(scimType: ScimType, message: string): ScimError {
  return new ScimError(scimType === 'uniqueness' ? 409 : 400, scimType, CODES[scimType], message);
}
