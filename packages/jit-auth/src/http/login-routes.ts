import type { Log } from '@rollcall/shared/telemetry/log';
import { type ErrorRequestHandler, type Request, type Response, Router, urlencoded } from 'express';
import { domainOfEmail } from './email-domain.ts';
import { statusOf } from './errors.ts';
import { lastConnection } from './last-connection.ts';
import { type LoginChoice, type LoginPage, loginPage } from './login-page.ts';
import { sendPage } from './page.ts';
import { sendProblem, wantsPage } from './problem.ts';
import { newReference } from './reference.ts';

/** A connection that somebody may sign in by. */
export interface LoginConnection {
  readonly id: string;
  readonly label: string;
  /** Lower-case ASCII; each leads to one connection. */
  readonly domains: readonly string[];
  /** Whether its identity provider is known at present. */
  isAvailable(): boolean;
}

/** What the sign-in page needs. */
export interface LoginRoutesContext {
  readonly connections: readonly LoginConnection[];
  /** Whether people see which connections there are. */
  readonly showConnections: boolean;
  readonly https: boolean;
  readonly log: Log;
}

/**
 * `GET /login` and `POST /login`: which connection is this person's? Neither asks the
 * database anything, so nobody has to wait for too many of them.
 */
export function loginRoutes(context: LoginRoutesContext): Router {
  const router = Router();
  const form = urlencoded({ extended: false, limit: '16kb', parameterLimit: 10 });
  router.get('/login', (request, response) => askOrGoOn(context, request, response));
  router.post('/login', form, (request, response) => chooseByDomain(context, request, response));
  router.use('/login', refuseBadForm);
  return router;
}

/** One connection: straight to it. Several: the person says who they are, or chooses. */
function askOrGoOn(context: LoginRoutesContext, request: Request, response: Response): void {
  const returnTo = textOf(request.query.return_to);
  const [only, ...others] = context.connections;
  if (only !== undefined && others.length === 0) {
    response.redirect(linkTo(only, returnTo));
    return;
  }
  send(context, request, response, { returnTo, typed: '', error: null });
}

/**
 * Only the domain decides, so that nobody learns who exists. The address itself goes
 * nowhere: not into the log, not into an address, not to the identity provider.
 */
function chooseByDomain(context: LoginRoutesContext, request: Request, response: Response): void {
  const body = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  const returnTo = textOf(body.return_to);
  const typed = textOf(body.email) ?? '';
  const domain = domainOfEmail(typed);
  const found = context.connections.find(
    ({ domains }) => domain !== null && domains.includes(domain),
  );
  if (found !== undefined) {
    response.set('cache-control', 'no-store').redirect(303, linkTo(found, returnTo));
    return;
  }
  if (domain === null) {
    const detail = 'Please type your whole e-mail address, such as ada@example.com.';
    complain(context, request, response, { code: 'login.no_email', detail, returnTo, typed });
    return;
  }
  context.log.info({ event: 'login.unknown_domain', domain });
  const other = context.showConnections
    ? 'Check the address, or choose from the list.'
    : 'Check the address, or ask whoever invited you.';
  const detail = `Nobody signs in here with an address at ${domain}. ${other}`;
  complain(context, request, response, { code: 'login.unknown_domain', detail, returnTo, typed });
}

interface Complaint {
  readonly code: 'login.no_email' | 'login.unknown_domain';
  readonly detail: string;
  readonly returnTo: string | null;
  readonly typed: string;
}

function complain(
  context: LoginRoutesContext,
  request: Request,
  response: Response,
  { code, detail, returnTo, typed }: Complaint,
): void {
  if (wantsPage(request)) {
    send(context, request, response, { returnTo, typed: typed.slice(0, 320), error: detail });
    return;
  }
  const reference = newReference();
  sendProblem(request, response, { status: 422, code, title: 'No sign-in', detail, reference });
}

function send(
  context: LoginRoutesContext,
  request: Request,
  response: Response,
  form: NonNullable<LoginPage['form']>,
): void {
  const { connections, showConnections, https } = context;
  const choice = (connection: LoginConnection): LoginChoice => ({
    label: connection.label,
    href: linkTo(connection, form.returnTo),
    available: connection.isAvailable(),
  });
  const remembered = lastConnection(request, https);
  const last = connections.find(({ id }) => id === remembered);
  const body = loginPage({
    last: last === undefined ? null : choice(last),
    choices: showConnections ? connections.map(choice) : [],
    form: connections.some(({ domains }) => domains.length > 0) ? form : null,
  });
  const status = form.error === null ? 200 : 422;
  sendPage(response, status, 'Sign in', body, { formsLead: 'anywhere' });
}

function linkTo({ id }: LoginConnection, returnTo: string | null): string {
  const query = returnTo === null ? '' : `?return_to=${encodeURIComponent(returnTo)}`;
  return `/saml/${id}/login${query}`;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A form that is too large or garbled comes from no page of ours. */
const refuseBadForm: ErrorRequestHandler = (error, request, response, next) => {
  const status = statusOf(error);
  if (status === null) {
    next(error);
    return;
  }
  sendProblem(request, response, {
    status,
    code: 'http.bad_request',
    title: 'Not a form of ours',
    detail: 'The request is not the form of the sign-in page.',
    reference: newReference(),
  });
};
