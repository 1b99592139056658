import type { ScimAnswer } from '../call.ts';
import type { ScimError } from '../scim-error.ts';
import type { RequestOutcome } from './noted-request.ts';

/** What became of a request that was carried out. */
export function outcomeOf({ status, body, location }: ScimAnswer): RequestOutcome {
  return { status, scimType: null, code: null, body, location: location ?? null };
}

/** What became of one that was refused or failed. */
export function outcomeOfError({
  status,
  scimType,
  code,
}: Pick<ScimError, 'status' | 'scimType' | 'code'>): RequestOutcome {
  return { status, scimType, code, body: null, location: null };
}
