import type { JitAuth } from '@rollcall/jit-auth';
import express, { type Express } from 'express';
import { PAGE_SCRIPT } from './page-script.ts';
import { homePage, reportsPage } from './pages.ts';

/** What the sample app shows besides the person. */
export interface DemoAppOptions {
  /** Where the demo identity provider lets one remove people; null where there is none. */
  readonly directoryUrl: string | null;
}

/** Nothing from elsewhere, in nobody's frame. The style is in the page, the script is ours. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/**
 * The sample app: an ordinary Express app that mounts the plugin, asks who is
 * signed in, guards a page by role, and turns to "access ended" by itself when
 * the sweep has taken its reader's access.
 */
export function demoApp(auth: JitAuth, options: DemoAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(auth.router);
  app.use((_request, response, next) => {
    response.set(HEADERS);
    next();
  });
  app.get('/', (request, response) => {
    response.type('html').send(homePage(request.user ?? null, options));
  });
  app.get('/app.js', (_request, response) => {
    response.type('js').send(PAGE_SCRIPT);
  });
  app.get('/reports', auth.requireUser(), auth.requireRole('analyst'), (request, response) => {
    response.type('html').send(reportsPage(request.user ?? null, options));
  });
  app.use(auth.errors);
  return app;
}
