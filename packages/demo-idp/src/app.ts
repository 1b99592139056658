import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { createAdminRouter } from './admin.ts';
import { createApiRouter } from './api.ts';
import type { Directory } from './directory.ts';
import { DemoIdpError } from './errors.ts';
import { OpenSessions } from './open-sessions.ts';
import type { RequestLog } from './request-log.ts';
import { listOrigins, requireSameOrigin } from './same-origin.ts';
import { createScimRouter } from './scim.ts';
import type { ServiceProviders } from './service-providers.ts';
import { renderRefusalPage } from './sign-in-page.ts';
import type { Signer } from './signer.ts';
import { createSloRouter } from './slo.ts';
import { createSsoRouter } from './sso.ts';
import { STYLESHEET } from './stylesheet.ts';

/** The parts that the web application is put together from. */
export interface AppOptions {
  readonly directory: Directory;
  readonly providers: ServiceProviders;
  readonly signer: Signer;
  readonly log: RequestLog;
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl: string;
  readonly scimUrl: string;
  readonly scimToken: string;
  readonly pageSize: number;
  readonly now: () => number;
}

/** The whole IdP as an Express application: sign-in, SCIM, JSON API, pages. */
export function createApp(options: AppOptions): Express {
  const { directory, log, url, scimToken, pageSize, now } = options;
  const app = express();
  app.disable('x-powered-by');
  app.use(setHeaders);
  const sameOrigin = requireSameOrigin(listOrigins(url, options.host, options.port));
  app.get('/style.css', (_request, response) => {
    response.type('css').send(STYLESHEET);
  });
  app.use(
    '/scim/v2',
    createScimRouter({ directory, log, token: scimToken, baseUrl: options.scimUrl, pageSize, now }),
  );
  app.use('/api', createApiRouter(directory, scimToken));
  const sessions = new OpenSessions();
  app.use(createSsoRouter({ ...options, sessions, sameOrigin }));
  app.use(createSloRouter({ ...options, sessions, sameOrigin }));
  app.use(createAdminRouter(directory, sessions, log, sameOrigin));
  app.use((_request, response) => {
    const page = renderRefusalPage('Not found', 'There is no page at this address.');
    response.status(404).type('html').send(page);
  });
  app.use(sendErrorPage);
  return app;
}

function setHeaders(_request: Request, response: Response, next: NextFunction): void {
  response.set({
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    // Not `no-referrer`: under that one browsers send our own forms with `Origin: null`.
    'Referrer-Policy': 'strict-origin-when-cross-origin',
    'Cache-Control': 'no-store',
  });
  next();
}

function sendErrorPage(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const { status, reason } = describeError(error);
  response.status(status).type('html').send(renderRefusalPage('That did not work', reason));
}

function describeError(error: unknown): { status: number; reason: string } {
  if (error instanceof DemoIdpError) {
    const status = error.code === 'demo_idp.state_unwritable' ? 500 : 400;
    return { status, reason: error.message };
  }
  // Express and its body parsers put the status of a bad request on the error.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  const isClientFault = status >= 400 && status < 500;
  return isClientFault
    ? { status, reason: 'The request could not be read.' }
    : { status: 500, reason: 'Something went wrong inside the demo IdP.' };
}
