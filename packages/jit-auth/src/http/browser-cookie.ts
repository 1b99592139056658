import { parseCookie } from 'cookie';
import type { Request, Response } from 'express';
import { newSecret } from '../saml/pending-request.ts';

/** What {@link newSecret} makes; anything else is not ours. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** As long as a sign-in may take, several times over: other tabs share the cookie. */
const MAX_AGE = 60 * 60_000;

/**
 * The cookie that binds a sign-in to the browser that asked for it, so that
 * nobody can be signed in as somebody else by a link (login CSRF).
 *
 * The identity provider answers with a POST from its own site, which carries no
 * `Lax` cookie: over https it is `SameSite=None; Secure` (RFC 6265bis §5.6.7). On
 * plain http, which only loopback addresses may use, no browser accepts that; there
 * the identity provider is on the same site, and `Lax` is sent.
 */
export function browserOf(request: Request, https: boolean): string | null {
  const value = parseCookie(request.get('cookie') ?? '')[cookieName(https)];
  return value !== undefined && SECRET.test(value) ? value : null;
}

/** The browser's secret: the one that it has, else a new one, which it is given. */
export function giveBrowserSecret(request: Request, response: Response, https: boolean): string {
  const secret = browserOf(request, https) ?? newSecret();
  response.cookie(cookieName(https), secret, {
    path: '/',
    httpOnly: true,
    secure: https,
    sameSite: https ? 'none' : 'lax',
    maxAge: MAX_AGE,
  });
  return secret;
}

function cookieName(https: boolean): string {
  return https ? '__Host-rollcall-browser' : 'rollcall-browser';
}
