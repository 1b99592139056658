import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { DEFAULT_RETURN, toReturnPath } from '../saml/return-to.ts';
import { html } from './html.ts';
import { sendProblem, wantsPage } from './problem.ts';
import { newReference } from './reference.ts';
import { requestSession, whyNotSignedIn } from './request-session.ts';

/** A way out of every page that says no. */
const AGAIN = html`<p><a class="button" href="/login">Sign in again</a></p>`;

/**
 * Lets only signed-in people on. A browser that opens a page is sent to sign in
 * and comes back; everything else gets 401.
 */
export function requireUser(): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const reading = requestSession(request);
    if (reading.kind === 'live') {
      next();
      return;
    }
    const why = whyNotSignedIn(reading);
    const navigates = request.method === 'GET' && wantsPage(request);
    if (navigates && why.code !== 'session.access_ended') {
      // An address that we would not return to must not keep anybody from signing in.
      const returnTo = toReturnPath(request.originalUrl) ?? DEFAULT_RETURN;
      response.redirect(`/login?return_to=${encodeURIComponent(returnTo)}`);
      return;
    }
    sendProblem(request, response, { status: 401, reference: newReference(), ...why, more: AGAIN });
  };
}

/**
 * Lets only holders of a role on; use behind {@link requireUser}. Somebody who is
 * signed in without it gets 403, not another round of sign-in, which would loop.
 */
export function requireRole(role: string): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const reading = requestSession(request);
    if (reading.kind === 'live' && reading.roles.includes(role)) {
      next();
      return;
    }
    if (reading.kind !== 'live') {
      const why = whyNotSignedIn(reading);
      sendProblem(request, response, { status: 401, reference: newReference(), ...why });
      return;
    }
    sendProblem(request, response, {
      status: 403,
      code: 'access.role_missing',
      title: 'No access',
      detail: `This page needs the role ${role}.`,
      reference: newReference(),
      more: html`<p>Your roles: ${reading.roles.join(', ') || 'none'}.</p>`,
    });
  };
}
