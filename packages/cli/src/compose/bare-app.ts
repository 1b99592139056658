import type { JitAuth } from '@rollcall/jit-auth';
import type { Config } from '@rollcall/shared/config/types';
import express, { type Express } from 'express';
import { signedInPage } from './signed-in-page.ts';

/** Addresses from which `X-Forwarded-Proto` is believed: this machine and private networks. */
const PROXIES = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * The service by itself: sign-in, session and health routes, and a page that
 * says who is signed in. What people come for lies behind it or beside it.
 */
export function bareApp(
  auth: Pick<JitAuth, 'router' | 'errors'>,
  { publicUrl }: Pick<Config, 'publicUrl'>,
): Express {
  const app = express();
  // https ends at a proxy in front of us; only a neighbour's word counts for it.
  if (publicUrl.startsWith('https:')) app.set('trust proxy', PROXIES);
  app.disable('x-powered-by');
  app.use(auth.router);
  app.get('/', (request, response) => {
    response
      .set({
        'Cache-Control': 'no-store',
        'Content-Security-Policy':
          "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        'Referrer-Policy': 'same-origin',
        'X-Content-Type-Options': 'nosniff',
      })
      .type('html')
      .send(signedInPage(request.user ?? null));
  });
  app.use(auth.errors);
  return app;
}
