/** Where somebody goes who did not say. */
export const DEFAULT_RETURN = '/';

const MAX_LENGTH = 2048;
// Backslashes are slashes to browsers; controls and blanks are dropped by them.
const FORBIDDEN = /[\\\p{Cc}\p{Cf}\p{Z}]/u;
/** A slash, backslash or control that is hidden by percent-encoding, once or many times. */
const HIDDEN = /%(?:25)*(?:2f|5c|0[0-9a-f]|1[0-9a-f]|7f)/i;
const ORIGIN = 'https://rollcall.invalid';

/**
 * Takes a `return_to` as a path of this origin: absolute, with its query and
 * fragment, at most 2 KB. Null for everything else: another origin, `//host`,
 * `/\host`, controls, slashes hidden by encoding in the path. Pure.
 */
export function toReturnPath(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return null;
  if (!value.startsWith('/') || value.startsWith('//')) return null;
  if (FORBIDDEN.test(value) || !value.isWellFormed()) return null;
  const [path = ''] = value.split(/[?#]/, 1);
  if (HIDDEN.test(path)) return null;
  if (!URL.canParse(value, ORIGIN)) return null;
  const url = new URL(value, ORIGIN);
  // `/..//host` is resolved to `//host`, which names another origin.
  if (url.origin !== ORIGIN || url.pathname.startsWith('//')) return null;
  return `${url.pathname}${url.search}${url.hash}`;
}
