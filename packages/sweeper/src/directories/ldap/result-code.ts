import type { MessageResponse } from 'ldapts';
import { DirectoryError } from '../directory-error.ts';
import type { DirectoryFault } from '../port.ts';

/** RFC 4511 §4.1.9 and its appendix A: what each failure means to whoever reads the log. */
const CODES: Readonly<Record<number, readonly [DirectoryFault, string]>> = {
  3: ['timed_out', 'timeLimitExceeded: the server ran out of the time that it allows'],
  4: [
    'cursor_broken',
    'sizeLimitExceeded: the server hands out only a part; raise its limit for this account (OpenLDAP: limits … size.prtotal=unlimited)',
  ],
  7: ['unauthorized', 'authMethodNotSupported: the server takes no simple bind'],
  8: ['unauthorized', 'strongerAuthRequired: the server wants TLS or signing'],
  11: ['rate_limited', 'adminLimitExceeded'],
  12: ['request_failed', 'unavailableCriticalExtension'],
  13: ['unauthorized', 'confidentialityRequired: the server wants TLS'],
  32: ['request_failed', 'noSuchObject: the base does not exist, or the account may not see it'],
  34: ['request_failed', 'invalidDNSyntax'],
  48: ['unauthorized', 'inappropriateAuthentication'],
  49: ['unauthorized', 'invalidCredentials: wrong password, or the account is locked or disabled'],
  50: ['forbidden', 'insufficientAccessRights'],
  51: ['rate_limited', 'busy'],
  52: ['request_failed', 'unavailable'],
  53: ['request_failed', 'unwillingToPerform'],
};

const SUCCESS = 0;

/** The code that says that the entry asked for is not there; elsewhere it is a failure. */
export const NO_SUCH_OBJECT = 32;

/** Throws `DirectoryError` for every answer but success: a part of an answer is none. */
export function requireSuccess({ status }: MessageResponse): void {
  if (status === SUCCESS) return;
  const [fault, meaning] = CODES[status] ?? ['request_failed', 'see RFC 4511, appendix A'];
  throw new DirectoryError(fault, `Expected result code 0, received ${status} (${meaning}).`);
}
