import { apply } from '@rollcall/shared/access/apply';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { findSessionName, type SessionReading } from '@rollcall/shared/db/sessions';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { Request, Response } from 'express';
import type { Delivery } from '../saml/logout/logout-message.ts';
import { withdrawCookie } from '../sessions/issue.ts';
import type { SignInConnections } from '../sign-in-connection.ts';
import { giveBrowserSecret } from './browser-cookie.ts';
import { sendOnFromForm } from './delivery.ts';
import { html } from './html.ts';
import { sendPage } from './page.ts';
import { sendProblem, wantsPage } from './problem.ts';
import { newReference } from './reference.ts';
import { requestSession } from './request-session.ts';
import { isSameOrigin } from './same-origin.ts';

/** What signing out needs. */
export interface SignOutContext {
  readonly db: Database;
  readonly publicUrl: string;
  readonly signInConnections: SignInConnections;
  readonly https: boolean;
  readonly log: Log;
}

type LiveSession = Extract<SessionReading, { kind: 'live' }>;

/**
 * `POST /logout`: ends the session here, committed and audited; only then is the browser
 * sent to the identity provider, where it can be asked to end its own. Whatever becomes
 * of that, the person is signed out here.
 */
export async function signOut(
  context: SignOutContext,
  request: Request,
  response: Response,
): Promise<void> {
  if (!isSameOrigin(request, context.publicUrl)) {
    refuseCrossSite(request, response);
    return;
  }
  const reading = requestSession(request);
  if (reading.kind === 'live') await endHere(context, reading);
  await withdrawCookie(request);
  if (!wantsPage(request)) {
    response.status(204).end();
    return;
  }
  const delivery =
    reading.kind === 'live' ? await askIdp(context, reading, request, response) : null;
  if (delivery === null) sendSignedOut(response, 'here');
  else sendOnFromForm(response, delivery);
}

function refuseCrossSite(request: Request, response: Response): void {
  sendProblem(request, response, {
    status: 403,
    code: 'http.cross_site',
    title: 'Not signed out',
    detail: 'This request came from another site, so it was not carried out.',
    reference: newReference(),
  });
}

async function endHere({ db, log }: SignOutContext, reading: LiveSession): Promise<void> {
  const actor = { kind: 'user' as const, userId: reading.user.id };
  const change = { kind: 'end_session' as const, sessionId: reading.sessionId };
  await inTransaction(db, (tx) =>
    apply(tx, { ...change, reason: 'signed_out' }, actor, currentTime()),
  );
  log.info({ event: 'session.ended', user: reading.user.id, reason: 'signed_out' });
}

/** Null where the identity provider cannot be asked: the person has signed out all the same. */
async function askIdp(
  { db, signInConnections, https, log }: SignOutContext,
  { connectionId, sessionId }: LiveSession,
  request: Request,
  response: Response,
): Promise<Delivery | null> {
  const connection = signInConnections.get(connectionId);
  if (connection === undefined) return null;
  try {
    const named = await findSessionName(db, sessionId);
    if (named === null) return null;
    const browser = giveBrowserSecret(request, response, https);
    return await connection.startLogout(named, browser, currentTime());
  } catch (error) {
    log.warn({ event: 'logout.not_started', connection: connectionId, err: error });
    return null;
  }
}

const SAID = {
  here: 'You have signed out here. Your identity provider may still know you.',
  everywhere: 'You have signed out here and at your identity provider.',
  partly:
    'You have signed out here. Your identity provider could not end everything: other apps may still know you. Close the browser to be sure.',
  unknown:
    'You have signed out here. Whether your identity provider has ended its session could not be made sure. Close the browser to be sure.',
} as const;

/** The page at the end of signing out: how far it went, in plain words. */
export function sendSignedOut(
  response: Response,
  how: keyof typeof SAID,
  reference: string | null = null,
): void {
  const mark =
    reference === null
      ? html``
      : html`<dl><dt>Reference</dt><dd data-testid="reference">${reference}</dd></dl>`;
  const body = html`<p data-testid="signed-out" data-how="${how}">${SAID[how]}</p>
<p><a class="button" href="/login">Sign in again</a></p>${mark}`;
  sendPage(response, 200, 'Signed out', body);
}
