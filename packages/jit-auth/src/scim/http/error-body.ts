import type { ScimError } from '../scim-error.ts';

export const ERROR_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:Error';

/**
 * An error as a client gets it (RFC 7644 §3.12). The shape has no place for a code of
 * ours and the reference, so they stand behind the sentence: whoever reads it in a log of
 * the identity provider finds the line in ours.
 */
export function showError(
  { status, scimType, code, message }: Pick<ScimError, 'status' | 'scimType' | 'code' | 'message'>,
  reference: string,
): object {
  return {
    schemas: [ERROR_SCHEMA],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    detail: `${message} (${code}, ${reference})`,
  };
}
