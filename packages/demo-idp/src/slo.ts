import { randomUUID } from 'node:crypto';
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import { AuthnRequestError, decodeRedirect } from './authn-request.ts';
import { readField } from './bearer.ts';
import type { Directory } from './directory.ts';
import { html, renderButton, renderPage } from './html.ts';
import {
  type LogoutMessage,
  parseLogoutMessage,
  renderLogoutRequest,
  renderLogoutResponse,
} from './logout-message.ts';
import type { OpenSession, OpenSessions } from './open-sessions.ts';
import { fullName } from './people.ts';
import { isSignedRedirect, type MessageParameter, signRedirect } from './redirect-signature.ts';
import type { ServiceProvider, ServiceProviders } from './service-providers.ts';
import { renderRefusalPage } from './sign-in-page.ts';
import type { Signer } from './signer.ts';

/** What single logout needs. */
export interface SloOptions {
  readonly directory: Directory;
  readonly providers: ServiceProviders;
  readonly sessions: OpenSessions;
  readonly signer: Signer;
  readonly entityId: string;
  readonly sloUrl: string;
  readonly sameOrigin: RequestHandler;
  readonly now: () => number;
}

/** A person who is being signed out: the applications that have still to be asked. */
interface Tour {
  readonly name: string;
  readonly left: readonly ServiceProvider[];
  readonly sessions: readonly OpenSession[];
}

/**
 * Single logout by the redirect binding, both ways (SAML Profiles §4.4). An application
 * asks at `/slo`; the directory's page sends the browser to every application in turn.
 */
export function createSloRouter(options: SloOptions): Router {
  const router = express.Router();
  const tours = new Map<string, Tour>();
  router.get('/slo', (request, response) => receive(options, tours, request, response));
  router.post('/people/:id/sign-out', options.sameOrigin, (request, response) => {
    const person = options.directory.person(String(request.params.id));
    const sessions = options.sessions.of(person.id);
    options.sessions.end(sessions);
    const asked = options.providers
      .all()
      .filter(({ entityId, sloUrl }) => sloUrl !== undefined && isAmong(sessions, entityId));
    goOn(options, tours, response, { name: fullName(person), left: asked, sessions });
  });
  router.use(
    (error: unknown, _request: Request, response: Response, next: (e: unknown) => void) => {
      if (error instanceof AuthnRequestError) {
        response.status(400).type('html').send(renderRefusalPage('Cannot sign out', error.message));
      } else {
        next(error);
      }
    },
  );
  return router;
}

function isAmong(sessions: readonly OpenSession[], provider: string): boolean {
  return sessions.some((session) => session.provider === provider);
}

function receive(
  options: SloOptions,
  tours: Map<string, Tour>,
  request: Request,
  response: Response,
): void {
  const parameter: MessageParameter =
    readField(request.query, 'SAMLResponse') === undefined ? 'SAMLRequest' : 'SAMLResponse';
  const message = parseLogoutMessage(decodeRedirect(readField(request.query, parameter) ?? ''));
  const provider = requireSigned(options, request, parameter, message);
  const relayState = readField(request.query, 'RelayState');
  if (message.kind === 'LogoutRequest') {
    response.redirect(303, answerTo(options, provider, message, relayState));
    return;
  }
  const tour = tours.get(relayState ?? '');
  tours.delete(relayState ?? '');
  if (tour === undefined) throw new AuthnRequestError('Nobody is being signed out.');
  goOn(options, tours, response, tour);
}

/** Nobody signs people out but the application itself. */
function requireSigned(
  { providers, sloUrl }: SloOptions,
  request: Request,
  parameter: MessageParameter,
  { issuer, destination, kind }: LogoutMessage,
): ServiceProvider {
  const provider = providers.find(issuer);
  if (provider === undefined) {
    throw new AuthnRequestError(`No application is registered as ${JSON.stringify(issuer)}.`);
  }
  const query = request.originalUrl.slice(request.originalUrl.indexOf('?') + 1);
  if (!isSignedRedirect(query, parameter, provider.certificates ?? [])) {
    throw new AuthnRequestError('The message is not signed by the application.');
  }
  if ((kind === 'LogoutRequest') !== (parameter === 'SAMLRequest') || destination !== sloUrl) {
    throw new AuthnRequestError('The message was not meant for this address.');
  }
  return provider;
}

function answerTo(
  { sessions, signer, entityId, now }: SloOptions,
  provider: ServiceProvider,
  message: LogoutMessage,
  relayState: string | undefined,
): string {
  const { sloUrl } = provider;
  if (sloUrl === undefined) throw new AuthnRequestError('The application takes no answer.');
  const ended = sessions.named(provider.entityId, message.nameId, message.sessionIndexes);
  sessions.end(ended);
  const [one] = ended;
  // Other applications are not asked from here: the answer says that they go on.
  const partial = one !== undefined && sessions.of(one.personId).length > 0;
  const xml = renderLogoutResponse({
    now: now(),
    issuer: entityId,
    destination: sloUrl,
    inResponseTo: message.id,
    partial,
  });
  return signRedirect(sloUrl, 'SAMLResponse', xml, relayState, signer.key);
}

/** Asks the next application, or says that all have been asked. */
function goOn(
  { signer, entityId, now }: SloOptions,
  tours: Map<string, Tour>,
  response: Response,
  { name, left, sessions }: Tour,
): void {
  const [next, ...others] = left;
  const named = sessions.filter(({ provider }) => provider === next?.entityId);
  const [one] = named;
  if (next?.sloUrl === undefined || one === undefined) {
    response.type('html').send(renderDone(name));
    return;
  }
  const id = randomUUID();
  tours.set(id, { name, left: others, sessions });
  const xml = renderLogoutRequest({
    now: now(),
    issuer: entityId,
    destination: next.sloUrl,
    nameId: one.nameId,
    nameIdFormat: one.nameIdFormat,
    sessionIndexes: named.map(({ index }) => index),
  });
  const url = signRedirect(next.sloUrl, 'SAMLRequest', xml, id, signer.key);
  // Not a redirect: browsers would hold it against the form-action of the page before.
  response.set('Refresh', `0; url=${url}`);
  const main = html`<p>Signing ${name} out at <strong>${next.name}</strong>.</p>
<p><a href="${url}" data-testid="continue">Continue</a></p>`;
  response.type('html').send(renderPage('Signing out', main));
}

function renderDone(name: string): string {
  const main = html`<p class="note good" role="status" data-testid="signed-out">${name} has been signed out everywhere.</p>
<form method="get" action="/">${renderButton({ label: 'Back', unseen: 'to the directory', testId: 'back' })}</form>`;
  return renderPage('Signed out', main);
}
