import { domainToASCII } from 'node:url';

/** RFC 5321 §4.5.3.1: no address is longer. */
const LONGEST_ADDRESS = 320;
/** A letter first in the last label: no number, no IP address. */
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;
/** What would mean something else to whoever reads a host. */
const NOT_IN_A_DOMAIN = /[\s/\\?#@:%[\]<>"']/;

/**
 * The domain of an e-mail address in lower-case ASCII, internationalized ones in their
 * `xn--` form (UTS 46): letters that only look alike give another domain. Null where
 * the text is no e-mail address.
 */
export function domainOfEmail(text: string): string | null {
  const email = text.trim();
  const at = email.lastIndexOf('@');
  if (at < 1 || email.length > LONGEST_ADDRESS) return null;
  const written = email.slice(at + 1).replace(/[.。]$/, '');
  if (NOT_IN_A_DOMAIN.test(written)) return null;
  const domain = domainToASCII(written).toLowerCase();
  return DOMAIN.test(domain) ? domain : null;
}
