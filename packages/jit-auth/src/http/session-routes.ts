import { apply } from '@rollcall/shared/access/apply';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type Request, type Response, Router } from 'express';
import { withdrawCookie } from '../sessions/issue.ts';
import { html } from './html.ts';
import { sendPage } from './page.ts';
import { sendProblem, wantsPage } from './problem.ts';
import { newReference } from './reference.ts';
import { requestSession, whyNotSignedIn } from './request-session.ts';
import { isSameOrigin } from './same-origin.ts';
import { signedInUser } from './signed-in-user.ts';

/** What the routes around a session need. */
export interface SessionRoutesContext {
  readonly db: Database;
  readonly publicUrl: string;
  /** Ids of the connections that people may choose from, with their names. */
  readonly connections: readonly { readonly id: string; readonly label: string }[];
  readonly log: Log;
}

/** `GET /login`, `POST /logout` and `GET /session`. */
export function sessionRoutes(context: SessionRoutesContext): Router {
  const router = Router();
  router.get('/session', (request, response) => showSession(request, response));
  router.get('/login', (request, response) => chooseConnection(context, request, response));
  router.post('/logout', (request, response) => signOut(context, request, response));
  return router;
}

function showSession(request: Request, response: Response): void {
  const reading = requestSession(request);
  response.set('cache-control', 'no-store');
  if (reading.kind === 'live') {
    response.json({ user: signedInUser(reading) });
    return;
  }
  sendProblem(request, response, {
    status: 401,
    reference: newReference(),
    ...whyNotSignedIn(reading),
  });
}

/** One connection: straight to it. Several: the person chooses. */
function chooseConnection(
  context: SessionRoutesContext,
  request: Request,
  response: Response,
): void {
  const returnTo = request.query.return_to;
  const query = typeof returnTo === 'string' ? `?return_to=${encodeURIComponent(returnTo)}` : '';
  const link = (id: string): string => `/saml/${id}/login${query}`;
  const [only, ...others] = context.connections;
  if (only !== undefined && others.length === 0) {
    response.redirect(link(only.id));
    return;
  }
  const choices = context.connections.map(
    ({ id, label }) => html`<li><a href="${link(id)}">${label}</a></li>`,
  );
  sendPage(response, 200, 'Sign in', html`<p>Where do you sign in?</p><ul>${choices}</ul>`);
}

async function signOut(
  context: SessionRoutesContext,
  request: Request,
  response: Response,
): Promise<void> {
  if (!isSameOrigin(request, context.publicUrl)) {
    sendProblem(request, response, {
      status: 403,
      code: 'http.cross_site',
      title: 'Not signed out',
      detail: 'This request came from another site, so it was not carried out.',
      reference: newReference(),
    });
    return;
  }
  const reading = requestSession(request);
  if (reading.kind === 'live') {
    const actor = { kind: 'user' as const, userId: reading.user.id };
    const change = { kind: 'end_session' as const, sessionId: reading.sessionId };
    await inTransaction(context.db, (tx) =>
      apply(tx, { ...change, reason: 'signed_out' }, actor, currentTime()),
    );
    context.log.info({ event: 'session.ended', user: reading.user.id, reason: 'signed_out' });
  }
  await withdrawCookie(request);
  if (!wantsPage(request)) {
    response.status(204).end();
    return;
  }
  const body = html`<p>You have signed out here. Your identity provider may still know you.</p>
<p><a class="button" href="/login">Sign in again</a></p>`;
  sendPage(response, 200, 'Signed out', body);
}
