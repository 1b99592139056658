import { createHash } from 'node:crypto';
import type { Response } from 'express';
import { type Html, html } from './html.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { max-width: 34rem; margin: 1rem; padding: 2rem; border: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); border-radius: .75rem; }
h1 { margin: 0 0 .75rem; font-size: 1.5rem; }
dl { margin: 1.25rem 0 0; display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; }
a, button { font: inherit; color: LinkText; } ul { padding-left: 1.25rem; }
a.button, button { display: inline-block; padding: .5rem 1rem; border: 1px solid currentColor; border-radius: .5rem; text-decoration: none; background: Canvas; cursor: pointer; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1rem; } label { display: block; }
input { box-sizing: border-box; width: 100%; margin: .25rem 0 .75rem; padding: .5rem .75rem; font: inherit; border: 1px solid color-mix(in srgb, CanvasText 50%, Canvas); border-radius: .5rem; background: Canvas; color: CanvasText; }
.error { margin: 0 0 .75rem; padding-left: .75rem; border-left: .25rem solid color-mix(in srgb, red 70%, CanvasText); }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
`;
const STYLE_HASH = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;
/** No script, no frame: these pages only say something. */
const POLICY = `default-src 'none'; style-src ${STYLE_HASH}; frame-ancestors 'none'; base-uri 'none'`;
/** Sends the only form of the page; a button does the same where scripts are off. */
const SUBMIT = 'document.forms[0].submit()';
const SUBMIT_HASH = `'sha256-${createHash('sha256').update(SUBMIT).digest('base64')}'`;

/** What a page may do besides. */
export interface PageOptions {
  /**
   * Where its forms may lead. Browsers hold `form-action` against the redirects that
   * follow, too (Content Security Policy §6.4.1): a form that ends at an identity
   * provider has to be let go anywhere.
   */
  readonly formsLead: 'here' | 'anywhere';
}

/** Answers with a page of ours: no script, nothing from elsewhere, never cached. */
export function sendPage(
  response: Response,
  status: number,
  title: string,
  body: Html,
  { formsLead }: PageOptions = { formsLead: 'here' },
): void {
  const policy = formsLead === 'here' ? `${POLICY}; form-action 'self'` : POLICY;
  send(response, status, policy, title, body);
}

/** Answers with a page whose form goes to another site by itself. */
export function sendFormPage(
  response: Response,
  title: string,
  {
    action,
    fields,
  }: { readonly action: string; readonly fields: Readonly<Record<string, string>> },
): void {
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  const script = html`<script>${SUBMIT}</script>`;
  const body = html`<p>You are being sent on. If nothing happens, press the button.</p>
<form method="post" action="${action}">${inputs}<button>Continue</button></form>${script}`;
  send(response, 200, `${POLICY}; script-src ${SUBMIT_HASH}`, title, body);
}

function send(response: Response, status: number, policy: string, title: string, body: Html): void {
  const text = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>`.text
    .concat(STYLE)
    .concat(html`</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`.text);
  response
    .status(status)
    .set('content-security-policy', policy)
    .set('x-content-type-options', 'nosniff')
    .set('referrer-policy', 'no-referrer')
    .set('cache-control', 'no-store')
    .type('html')
    .send(text);
}
