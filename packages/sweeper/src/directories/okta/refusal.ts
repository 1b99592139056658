import { DirectoryError } from '../directory-error.ts';
import type { HttpAnswer } from '../http-client.ts';
import type { VendorRefusal } from '../http-failure.ts';

/** Okta's code for "Resource not found". */
const NOT_FOUND = 'E0000007';
const CODE = /^E[0-9]{7}$/;

/** Okta's own code in an error, such as `E0000006`; null where it is somebody else's answer. */
export function oktaCodeOf({ mediaType, body }: HttpAnswer): string | null {
  if (mediaType !== 'application/json' || typeof body !== 'object' || body === null) return null;
  const code: unknown = Reflect.get(body, 'errorCode');
  return typeof code === 'string' && CODE.test(code) ? code : null;
}

/** For the HTTP client: the code goes into the message. */
export function readOktaRefusal(answer: HttpAnswer): VendorRefusal {
  const code = oktaCodeOf(answer);
  return code === null ? {} : { code };
}

/**
 * Whether a 404 is Okta's own. Throws `DirectoryError` where it is another one: a proxy
 * and a wrong host answer 404 too.
 */
export function saysNotFound(answer: HttpAnswer): boolean {
  if (answer.status !== 404) return false;
  if (oktaCodeOf(answer) === NOT_FOUND) return true;
  const message = `Expected the error ${NOT_FOUND} with 404, received another 404.`;
  throw new DirectoryError('request_failed', message, { refusal: 'gone' });
}
