import type { Database } from '@rollcall/shared/db/database';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type Request, type Response, Router } from 'express';
import type { SignInConnections } from '../sign-in-connection.ts';
import { sendProblem } from './problem.ts';
import { newReference } from './reference.ts';
import { requestSession, whyNotSignedIn } from './request-session.ts';
import { signOut } from './sign-out.ts';
import { signedInUser } from './signed-in-user.ts';

/** What the routes around a session need. */
export interface SessionRoutesContext {
  readonly db: Database;
  readonly publicUrl: string;
  /** For single logout. */
  readonly signInConnections: SignInConnections;
  readonly https: boolean;
  readonly log: Log;
}

/** `POST /logout` and `GET /session`. */
export function sessionRoutes(context: SessionRoutesContext): Router {
  const router = Router();
  router.get('/session', (request, response) => showSession(request, response));
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
