import type { Database } from '@rollcall/shared/db/database';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type Request, type Response, Router } from 'express';
import type { SignInConnections } from '../sign-in-connection.ts';
import { html } from './html.ts';
import { sendPage } from './page.ts';
import { sendProblem } from './problem.ts';
import { newReference } from './reference.ts';
import { requestSession, whyNotSignedIn } from './request-session.ts';
import { signOut } from './sign-out.ts';
import { signedInUser } from './signed-in-user.ts';

/** What the routes around a session need. */
export interface SessionRoutesContext {
  readonly db: Database;
  readonly publicUrl: string;
  /** Ids of the connections that people may choose from, with their names. */
  readonly connections: readonly { readonly id: string; readonly label: string }[];
  /** For single logout. */
  readonly signInConnections: SignInConnections;
  readonly https: boolean;
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
