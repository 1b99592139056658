import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { html, renderPage } from './html.ts';

/**
 * Lets a form be sent only by our own pages. The Host must be one of ours too,
 * because a foreign name that resolves to this machine (DNS rebinding) would
 * otherwise be "the same origin" as itself.
 */
export function requireSameOrigin(origins: ReadonlySet<string>): RequestHandler {
  const hosts = new Set([...origins].map((origin) => new URL(origin).host));
  return (request: Request, response: Response, next: NextFunction) => {
    const site = request.get('sec-fetch-site');
    const origin = request.get('origin');
    const sentByUs =
      (site !== undefined || origin !== undefined) &&
      (site === undefined || site === 'same-origin') &&
      (origin === undefined || origins.has(origin)) &&
      hosts.has(request.get('host') ?? '');
    if (sentByUs) {
      next();
      return;
    }
    const main = html`<p class="note bad" role="alert">This form was not sent by a page of this IdP, so nothing was changed. Open the page again and press the button there; scripts use the JSON API.</p>`;
    response.status(403).type('html').send(renderPage('Refused', main));
  };
}

/** The origins by which this server can be reached in a browser on this machine. */
export function listOrigins(url: string, host: string, port: number): ReadonlySet<string> {
  const name = host.includes(':') ? `[${host}]` : host;
  const names = [name, '127.0.0.1', 'localhost', '[::1]'];
  return new Set([url, ...names.map((one) => new URL(`http://${one}:${port}`).origin)]);
}
