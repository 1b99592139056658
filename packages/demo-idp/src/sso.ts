import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import {
  type AuthnRequest,
  AuthnRequestError,
  decodePost,
  decodeRedirect,
  parseAuthnRequest,
} from './authn-request.ts';
import { readField } from './bearer.ts';
import type { Directory, PersonView } from './directory.ts';
import { renderMetadata } from './metadata.ts';
import type { OpenSessions } from './open-sessions.ts';
import { buildResponse } from './response.ts';
import { createId, NAME_ID_EMAIL, STATUS_NO_PASSIVE, STATUS_RESPONDER } from './saml-names.ts';
import type { ServiceProviders } from './service-providers.ts';
import {
  renderRefusalPage,
  renderResponsePage,
  renderSignInPage,
  SUBMIT_SCRIPT_HASH,
} from './sign-in-page.ts';
import type { Signer } from './signer.ts';

/** What the sign-in service needs. */
export interface SsoOptions {
  readonly directory: Directory;
  readonly providers: ServiceProviders;
  readonly signer: Signer;
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl: string;
  readonly sessions: OpenSessions;
  readonly sameOrigin: RequestHandler;
  readonly now: () => number;
}

/**
 * Metadata and web browser single sign-on (SAML Profiles §4.1). Nothing is
 * remembered between the pages: the form carries the request along, and it is
 * judged again when a person was chosen.
 */
export function createSsoRouter(options: SsoOptions): Router {
  const { signer } = options;
  const router = express.Router();
  const form = express.urlencoded({ extended: false, limit: '256kb' });
  router.get('/metadata', (_request, response) => {
    const metadata = renderMetadata(options, signer.certificate);
    response.type('application/samlmetadata+xml').send(metadata);
  });
  router.get('/sso', (request, response) => {
    const { query } = request;
    const xml = decodeRedirect(readField(query, 'SAMLRequest') ?? '');
    showSignIn(options, response, xml, readField(query, 'RelayState'));
  });
  router.post('/sso', form, (request, response) => {
    const xml = decodePost(readField(request.body, 'SAMLRequest') ?? '');
    showSignIn(options, response, xml, readField(request.body, 'RelayState'));
  });
  router.post('/sso/sign-in', options.sameOrigin, form, (request, response) => {
    signIn(options, request, response);
  });
  router.use(
    (error: unknown, _request: Request, response: Response, next: (e: unknown) => void) => {
      if (error instanceof AuthnRequestError) {
        response.status(400).type('html').send(renderRefusalPage('Cannot sign in', error.message));
      } else {
        next(error);
      }
    },
  );
  return router;
}

function showSignIn(
  options: SsoOptions,
  response: Response,
  xml: string,
  relayState: string | undefined,
  refused?: PersonView,
): void {
  const request = parseAuthnRequest(xml, options.providers, options.ssoUrl);
  if (request.isPassive) {
    sendResponse(response, request, refusePassive(options, request), relayState);
    return;
  }
  const page = renderSignInPage({
    provider: request.provider,
    people: options.directory.people(),
    request: Buffer.from(xml, 'utf8').toString('base64'),
    relayState,
    ...(refused === undefined ? {} : { refused }),
  });
  response
    .status(refused === undefined ? 200 : 403)
    .type('html')
    .send(page);
}

function signIn(options: SsoOptions, request: Request, response: Response): void {
  const xml = decodePost(readField(request.body, 'request') ?? '');
  const relayState = readField(request.body, 'relay_state');
  const authnRequest = parseAuthnRequest(xml, options.providers, options.ssoUrl);
  const oldSession = readField(request.body, 'old_session');
  const person = options.directory.find(oldSession ?? readField(request.body, 'person') ?? '');
  if (person === undefined) throw new AuthnRequestError('There is no such person.');
  if (person.state !== 'active' && oldSession === undefined) {
    showSignIn(options, response, xml, relayState, person);
    return;
  }
  const { nameIdFormat } = authnRequest;
  const provider = authnRequest.provider.entityId;
  const index = createId();
  const signed = options.signer.answer(person.id, {
    audience: provider,
    inResponseTo: authnRequest.id,
    oldSession: oldSession !== undefined,
    overrides: { nameIdFormat, sessionIndex: index },
  });
  const nameId = nameIdFormat === NAME_ID_EMAIL ? person.email : person.id;
  options.sessions.add({ index, personId: person.id, nameId, nameIdFormat, provider });
  sendResponse(response, authnRequest, signed, relayState);
}

/** Nobody is signed in here beforehand, so a passive request finds nobody (SAML Core §3.4.1). */
function refusePassive(options: SsoOptions, request: AuthnRequest): string {
  const refusal = buildResponse({
    now: options.now(),
    issuer: options.entityId,
    acsUrl: request.provider.acsUrl,
    audience: null,
    nameId: null,
    attributes: null,
    inResponseTo: request.id,
    status: STATUS_RESPONDER,
    subStatus: STATUS_NO_PASSIVE,
    assertion: false,
  });
  return options.signer.sign(refusal, { sign: 'response' });
}

function sendResponse(
  response: Response,
  request: AuthnRequest,
  signed: string,
  relayState: string | undefined,
): void {
  // No form-action here: browsers hold it against the redirects that follow the
  // form, and where the application sends people on is its own affair.
  response.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'self'; img-src data:; script-src ${SUBMIT_SCRIPT_HASH}; base-uri 'none'; frame-ancestors 'none'`,
  );
  response.type('html').send(renderResponsePage(request.provider, signed, relayState));
}
