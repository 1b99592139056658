import { codeOf, detailOf, wordsOf } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import {
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
  Router,
  urlencoded,
} from 'express';
import { MAX_RESPONSE_BYTES } from '../saml/raw-response.ts';
import type { RefusalDetail } from '../saml/refusal.ts';
import { toReturnPath } from '../saml/return-to.ts';
import { issueCookie } from '../sessions/issue.ts';
import type { SignInConnection, SignInConnections } from '../sign-in-connection.ts';
import type { SignInRecord } from '../sign-in-record.ts';
import { browserOf, giveBrowserSecret, isTestSecret } from './browser-cookie.ts';
import { statusOf } from './errors.ts';
import { html } from './html.ts';
import { rememberConnection } from './last-connection.ts';
import { receiveLogout } from './logout-routes.ts';
import { type Problem, sendProblem } from './problem.ts';
import { BAD_REQUEST, type PublicRefusal, publicRefusal } from './public-codes.ts';
import { limitSignIns } from './rate-limit.ts';
import { referenceOf } from './reference.ts';
import { type SamlSignIn, SamlStrategy } from './saml-strategy.ts';
import { finishTestSignIn, startTest } from './sign-in-test-routes.ts';

/** What the SAML routes need. */
export interface SamlRoutesContext {
  readonly connections: SignInConnections;
  readonly record: SignInRecord;
  readonly engine: Engine;
  readonly https: boolean;
  readonly log: Log;
}

/** A form carries the response in base64, a third larger, and RelayState; nothing else. */
const MAX_FORM_BYTES = Math.ceil(MAX_RESPONSE_BYTES * 1.5) + 4096;
const MAX_FIELDS = 10;

/** `GET /saml/{connection}/metadata`, `…/login`, `POST …/acs`, and either at `…/logout`. */
export function samlRoutes(context: SamlRoutesContext): Router {
  const router = Router();
  const form = urlencoded({
    extended: false,
    limit: MAX_FORM_BYTES,
    parameterLimit: MAX_FIELDS,
  });
  const limit = limitSignIns(context.engine, context.log);
  router.get('/saml/:connection/metadata', onConnection(context, sendMetadata));
  router.get('/saml/:connection/login', limit, onConnection(context, whileAvailable(startSignIn)));
  router.post(
    '/saml/:connection/acs',
    limit,
    form,
    onConnection(context, whileAvailable(finishSignIn)),
  );
  router.all('/saml/:connection/acs', refuseMethod(context.log));
  const receive = onConnection(context, whileAvailable(receiveLogout));
  router.get('/saml/:connection/logout', limit, receive);
  router.post('/saml/:connection/logout', limit, form, receive);
  router.use('/saml', refuseUnknown(context.log), refuseBadBody(context));
  return router;
}

type Step = (
  context: SamlRoutesContext,
  connection: SignInConnection,
  request: Request,
  response: Response,
  next: NextFunction,
) => unknown;

/** Finds the connection that the path names; one that is not there is 404, whatever it was asked. */
function onConnection(context: SamlRoutesContext, step: Step): RequestHandler {
  return async (request, response, next) => {
    const id = request.params.connection;
    const connection = typeof id === 'string' ? context.connections.get(id) : undefined;
    if (connection === undefined) {
      const received = typeof id === 'string' ? id.slice(0, 100) : 'none';
      turnAway(context.log, request, response, {
        status: 404,
        code: 'connection.unknown',
        title: 'No such connection',
        detail: 'There is no connection of this name.',
        seen: { expected: [...context.connections.keys()].slice(0, 20), received },
      });
      return;
    }
    await step(context, connection, request, response, next);
  };
}

/** Takes the step only while the identity provider is known; else says that it is not, and why to the log. */
function whileAvailable(step: Step): Step {
  return (context, connection, request, response, next) => {
    const problem = connection.problem();
    if (problem === null) return step(context, connection, request, response, next);
    const reference = referenceOf(request);
    const { code, message, detail } = problem;
    const seen = { expected: 'metadata of the identity provider', received: detail.code };
    const facts = { connection: connection.id, code, cause: detail.code, reason: detail.reason };
    context.log.error({ event: 'sign_in.unavailable', ref: reference, ...facts, ...seen });
    const refused = { connection: connection.id, code, reference, detail: seen };
    context.record.refused(refused, currentTime());
    response.set('retry-after', '60');
    const title = 'Not available';
    sendProblem(request, response, { status: 503, code, title, detail: message, reference });
    return undefined;
  };
}

function sendMetadata(
  _context: SamlRoutesContext,
  connection: SignInConnection,
  _request: Request,
  response: Response,
): void {
  response.type('application/samlmetadata+xml').send(connection.metadata);
}

async function startSignIn(
  context: SamlRoutesContext,
  connection: SignInConnection,
  request: Request,
  response: Response,
): Promise<void> {
  if (context.https && !request.secure) {
    const detail = { expected: 'https', received: request.protocol };
    refuse(context, connection, request, response, { code: 'http.insecure_transport', detail });
    return;
  }
  if (request.query.test !== undefined) {
    const { https, log } = context;
    await startTest(connection, request, response, { https, log, now: currentTime() });
    return;
  }
  const asked = request.query.return_to;
  const returnTo = asked === undefined ? '/' : toReturnPath(asked);
  if (returnTo === null) {
    // Without its query, which may hold what belongs into no log.
    const received =
      typeof asked === 'string' ? asked.split('?', 1)[0]?.slice(0, 200) : typeof asked;
    const detail = { expected: 'a path of this site', received };
    refuse(context, connection, request, response, { code: 'http.bad_return_to', detail });
    return;
  }
  const browser = giveBrowserSecret(request, response, context.https);
  const url = await connection.start(browser, returnTo, currentTime());
  response.set('cache-control', 'no-store').redirect(url);
}

/**
 * The identity provider's answer: verified, decided and committed by the strategy;
 * only then does the browser get its cookie.
 */
function finishSignIn(
  context: SamlRoutesContext,
  connection: SignInConnection,
  request: Request,
  response: Response,
  next: NextFunction,
): void {
  const reference = referenceOf(request);
  const browser = browserOf(request, context.https);
  if (browser !== null && isTestSecret(browser)) {
    const test = { https: context.https, log: context.log, browser, now: currentTime() };
    finishTestSignIn(connection, request, response, test).catch(next);
    return;
  }
  const strategy = new SamlStrategy(connection, { browser, reference });
  strategy.run(request, (outcome) => {
    answer(context, connection, request, response, { reference, outcome }).catch(next);
  });
}

async function answer(
  context: SamlRoutesContext,
  connection: SignInConnection,
  request: Request,
  response: Response,
  { reference, outcome }: { reference: string; outcome: SamlSignIn },
): Promise<void> {
  const head = { ref: reference, connection: connection.id };
  if (outcome.kind === 'failed') {
    noteFailure(context, connection, reference, outcome.error);
    throw outcome.error;
  }
  if (outcome.kind === 'refused') {
    const { code, detail, user } = outcome;
    context.log.warn({ event: 'sign_in.refused', ...head, user: user?.id, code, ...detail });
    context.record.refused({ connection: connection.id, code, reference, detail }, currentTime());
    const more = html`<p><a class="button" href="/login">Start again</a></p>`;
    sendProblem(request, response, { more, ...publicRefusal(code, detail), reference });
    return;
  }
  await issueCookie(request, outcome.sessionId);
  rememberConnection(response, connection.id, context.https);
  const { user, roles, created, issuedAt } = outcome;
  context.record.admitted(connection.id, issuedAt, currentTime());
  context.log.info({ event: 'sign_in.admitted', ...head, user: user.id, roles, created });
  response.set('cache-control', 'no-store').redirect(303, outcome.returnTo);
}

/** Something of ours broke: the person may try again, and the operator has to know. */
function noteFailure(
  { record }: SamlRoutesContext,
  { id: connection }: SignInConnection,
  reference: string,
  error: unknown,
): void {
  const detail = { expected: 'an answer', received: wordsOf(error), ...detailOf(error) };
  record.refused({ connection, code: codeOf(error), reference, detail }, currentTime());
}

/** A request that does not even begin a sign-in: why, for the log and for the person. */
function refuse(
  context: SamlRoutesContext,
  { id: connection }: Pick<SignInConnection, 'id'>,
  request: Request,
  response: Response,
  { code, detail }: { readonly code: string; readonly detail: RefusalDetail },
): void {
  const reference = referenceOf(request);
  context.log.warn({ event: 'sign_in.refused', ref: reference, connection, code, ...detail });
  context.record.refused({ connection, code, reference, detail }, currentTime());
  const refusal: PublicRefusal = BAD_REQUEST[code] ?? publicRefusal(code, {});
  sendProblem(request, response, { ...refusal, reference });
}

/** SAML Bindings §3.5: a response comes by POST, never in the address. */
function refuseMethod(log: Log): RequestHandler {
  return (request, response) =>
    turnAway(log, request, response.set('allow', 'POST'), {
      status: 405,
      code: 'http.bad_method',
      title: 'Not like this',
      detail: 'An identity provider posts here. To sign in, start at the app.',
      seen: { expected: 'POST', received: request.method },
    });
}

function refuseUnknown(log: Log): RequestHandler {
  return (request, response) =>
    turnAway(log, request, response, {
      status: 404,
      code: 'http.not_found',
      title: 'Nothing here',
      detail: 'There is no such address below /saml.',
      seen: { expected: 'metadata, login, acs or logout', received: request.path.slice(0, 100) },
    });
}

/** A request that is about no sign-in of any connection: the reference on the page is in the log. */
function turnAway(
  log: Log,
  request: Request,
  response: Response,
  { seen, ...problem }: Omit<Problem, 'reference'> & { readonly seen: RefusalDetail },
): void {
  const reference = referenceOf(request);
  log.info({ event: 'http.turned_away', ref: reference, code: problem.code, ...seen });
  sendProblem(request, response, { ...problem, reference });
}

/** A form that could not be read, before any check of ours: too large, garbled, too many fields. */
function refuseBadBody(context: SamlRoutesContext): ErrorRequestHandler {
  return (error, request, response, next) => {
    const status = statusOf(error);
    // Here the path begins behind `/saml`.
    const connection = context.connections.get(request.path.split('/')[1] ?? '');
    if (status === null || status >= 500 || connection === undefined) {
      next(error);
      return;
    }
    const tooLarge = error instanceof Error && 'type' in error && error.type === 'entity.too.large';
    const code = tooLarge ? 'http.body_too_large' : 'http.bad_body';
    const detail = {
      expected: `a form of at most ${MAX_FORM_BYTES} bytes`,
      received: error instanceof Error ? error.message : 'no form',
    };
    refuse(context, connection, request, response, { code, detail });
  };
}
