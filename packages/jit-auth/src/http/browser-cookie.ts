import { parseCookie } from 'cookie';
import type { CookieOptions, Request, Response } from 'express';
import { newSecret } from '../saml/pending-request.ts';

/** What {@link newSecret} makes; anything else is not ours. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** As long as a sign-in may take, several times over: other tabs share the cookie. */
const MAX_AGE = 60 * 60_000;

/** A cookie that holds the browser's secret, and how it is set. */
interface BrowserCookie {
  readonly name: string;
  readonly options: CookieOptions;
}

/**
 * The identity provider answers with a POST from its own site, which carries no
 * `Lax` cookie; hence `SameSite=None; Secure` (RFC 6265bis §5.6.7).
 */
const CROSS_SITE: CookieOptions = { secure: true, sameSite: 'none' };
const OVER_HTTPS: readonly BrowserCookie[] = [
  { name: '__Host-rollcall-browser', options: CROSS_SITE },
];
/**
 * Plain http is for loopback addresses only. Most browsers take a `Secure` cookie
 * from there, Safari does not; a `Lax` one does for an identity provider on the
 * same machine. Both hold the same secret.
 */
const OVER_HTTP: readonly BrowserCookie[] = [
  { name: 'rollcall-browser', options: CROSS_SITE },
  { name: 'rollcall-browser-lax', options: { sameSite: 'lax' } },
];

/**
 * The secret that binds a sign-in to the browser that asked for it, so that nobody
 * can be signed in as somebody else by a link (login CSRF). Null where the
 * browser brought none.
 */
export function browserOf(request: Request, https: boolean): string | null {
  const cookies = parseCookie(request.get('cookie') ?? '');
  const values = (https ? OVER_HTTPS : OVER_HTTP).map(({ name }) => cookies[name]);
  return values.find((value) => value !== undefined && SECRET.test(value)) ?? null;
}

/** The browser's secret: the one that it has, else a new one, which it is given. */
export function giveBrowserSecret(request: Request, response: Response, https: boolean): string {
  const known = browserOf(request, https);
  const secret = known === null || isTestSecret(known) ? newSecret() : known;
  setSecret(response, secret, https);
  return secret;
}

/** How the secret of a browser begins that tests a sign-in; by accident none does (2^-84). */
const TEST = 'rollcall-test-';

/** Whether a browser is one that only tests: it is never signed in. */
export function isTestSecret(secret: string): boolean {
  return secret.startsWith(TEST);
}

/** The secret of a browser that only tests a sign-in: 174 bits that nobody can guess. */
export function newTestSecret(): string {
  return `${TEST}${newSecret().slice(TEST.length)}`;
}

/** Makes a browser one that only tests a sign-in, by a secret of {@link newTestSecret}. */
export function giveTestSecret(response: Response, secret: string, https: boolean): void {
  setSecret(response, secret, https);
}

/** The browser's next sign-in is an ordinary one again. */
export function takeBackTestSecret(response: Response, https: boolean): void {
  for (const { name, options } of https ? OVER_HTTPS : OVER_HTTP) {
    response.clearCookie(name, { path: '/', httpOnly: true, ...options });
  }
}

function setSecret(response: Response, secret: string, https: boolean): void {
  for (const { name, options } of https ? OVER_HTTPS : OVER_HTTP) {
    response.cookie(name, secret, { path: '/', httpOnly: true, maxAge: MAX_AGE, ...options });
  }
}
