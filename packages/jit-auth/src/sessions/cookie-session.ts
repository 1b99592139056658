import type { Engine } from '@rollcall/shared/engine/engine';
import type { RequestHandler } from 'express';
import session from 'express-session';
import { ownRequest } from './own-request.ts';
import { openSessionStore } from './session-store.ts';

/** How a browser's cookie is made. */
export interface CookieSessionOptions {
  readonly engine: Engine;
  /** Newest first: the first signs, all are accepted. At least 32 characters each. */
  readonly keys: readonly string[];
  /** Whether people reach us by https, whatever lies between. */
  readonly https: boolean;
  /** The longest that a session may last, in milliseconds. */
  readonly maxMs: number;
  /** Told of what goes wrong in the store between requests; never of a session's content. */
  readonly onError: (error: unknown) => void;
}

/**
 * The name of the session's cookie. `__Host-` binds it to this host and to https
 * (RFC 6265bis §4.1.3.2); on plain http, which only a loopback address may use,
 * no browser would keep such a name.
 */
export function sessionCookieName(https: boolean): string {
  return https ? '__Host-rollcall' : 'rollcall';
}

/**
 * express-session over the engine's store. The cookie holds a random id; what it
 * leads to holds nothing but the id of a row in `sessions`, which alone says
 * whether anybody is signed in.
 */
export function cookieSession(options: CookieSessionOptions): RequestHandler {
  const own = session({
    name: sessionCookieName(options.https),
    secret: [...options.keys],
    store: openSessionStore(options.engine, options.onError),
    resave: false,
    saveUninitialized: false,
    cookie: {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: options.https,
      maxAge: options.maxMs,
    },
  });
  return (request, response, next) => own(ownRequest(request), response, next);
}
