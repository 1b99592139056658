import { codeOf } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
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
import { toReturnPath } from '../saml/return-to.ts';
import { issueCookie } from '../sessions/issue.ts';
import type { SignInConnection, SignInConnections } from '../sign-in-connection.ts';
import { browserOf, giveBrowserSecret } from './browser-cookie.ts';
import { statusOf } from './errors.ts';
import { html } from './html.ts';
import { sendProblem } from './problem.ts';
import { BAD_REQUEST, type PublicRefusal, publicRefusal } from './public-codes.ts';
import { limitSignIns } from './rate-limit.ts';
import { newReference } from './reference.ts';
import { type SamlSignIn, SamlStrategy } from './saml-strategy.ts';

/** What the SAML routes need. */
export interface SamlRoutesContext {
  readonly connections: SignInConnections;
  readonly https: boolean;
  readonly log: Log;
}

/** A form carries the response in base64, a third larger, and RelayState; nothing else. */
const MAX_FORM_BYTES = Math.ceil(MAX_RESPONSE_BYTES * 1.5) + 4096;
const MAX_FIELDS = 10;

/** `GET /saml/{connection}/metadata`, `…/login`, and `POST …/acs`. */
export function samlRoutes(context: SamlRoutesContext): Router {
  const router = Router();
  const form = urlencoded({
    extended: false,
    limit: MAX_FORM_BYTES,
    parameterLimit: MAX_FIELDS,
  });
  const limit = limitSignIns(context.log);
  router.get('/saml/:connection/metadata', onConnection(context, sendMetadata));
  router.get('/saml/:connection/login', limit, onConnection(context, startSignIn));
  router.post('/saml/:connection/acs', limit, form, onConnection(context, finishSignIn));
  router.all('/saml/:connection/acs', refuseMethod);
  router.use('/saml', refuseUnknown, refuseBadBody(context.log));
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
      sendProblem(request, response, {
        status: 404,
        code: 'connection.unknown',
        title: 'No such connection',
        detail: 'There is no connection of this name.',
        reference: newReference(),
      });
      return;
    }
    await step(context, connection, request, response, next);
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
    refuse(context, request, response, 'http.insecure_transport', { connection: connection.id });
    return;
  }
  const asked = request.query.return_to;
  const returnTo = asked === undefined ? '/' : toReturnPath(asked);
  if (returnTo === null) {
    refuse(context, request, response, 'http.bad_return_to', {
      connection: connection.id,
      expected: 'a path of this site',
      // Without its query, which may hold what belongs into no log.
      received: typeof asked === 'string' ? asked.split('?', 1)[0]?.slice(0, 200) : typeof asked,
    });
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
  const reference = newReference();
  const browser = browserOf(request, context.https);
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
  if (outcome.kind === 'failed') throw outcome.error;
  if (outcome.kind === 'refused') {
    const { code, detail, user } = outcome;
    context.log.warn({ event: 'sign_in.refused', ...head, user: user?.id, code, ...detail });
    const more = html`<p><a class="button" href="/login">Start again</a></p>`;
    sendProblem(request, response, { more, ...publicRefusal(code, detail), reference });
    return;
  }
  await issueCookie(request, outcome.sessionId);
  const { user, roles, created } = outcome;
  context.log.info({ event: 'sign_in.admitted', ...head, user: user.id, roles, created });
  response.set('cache-control', 'no-store').redirect(303, outcome.returnTo);
}

function refuse(
  context: SamlRoutesContext,
  request: Request,
  response: Response,
  code: keyof typeof BAD_REQUEST & string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const reference = newReference();
  context.log.warn({ event: 'sign_in.refused', ref: reference, code, ...facts });
  const refusal: PublicRefusal = BAD_REQUEST[code] ?? publicRefusal(code, {});
  sendProblem(request, response, { ...refusal, reference });
}

/** SAML Bindings §3.5: a response comes by POST, never in the address. */
function refuseMethod(request: Request, response: Response): void {
  sendProblem(request, response.set('allow', 'POST'), {
    status: 405,
    code: 'http.bad_method',
    title: 'Not like this',
    detail: 'An identity provider posts here. To sign in, start at the app.',
    reference: newReference(),
  });
}

function refuseUnknown(request: Request, response: Response): void {
  sendProblem(request, response, {
    status: 404,
    code: 'http.not_found',
    title: 'Nothing here',
    detail: 'There is no such address below /saml.',
    reference: newReference(),
  });
}

/** A form that could not be read, before any check of ours: too large, garbled, too many fields. */
function refuseBadBody(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    const status = statusOf(error);
    if (status === null || status >= 500) {
      next(error);
      return;
    }
    const tooLarge = error instanceof Error && 'type' in error && error.type === 'entity.too.large';
    const code = tooLarge ? 'http.body_too_large' : 'http.bad_body';
    const received = error instanceof Error ? error.message : 'no form';
    const facts = { expected: `a form of at most ${MAX_FORM_BYTES} bytes`, received };
    const reference = newReference();
    log.warn({ event: 'sign_in.refused', ref: reference, code, cause: codeOf(error), ...facts });
    const refusal = BAD_REQUEST[code];
    if (refusal !== undefined) sendProblem(request, response, { ...refusal, reference });
  };
}
