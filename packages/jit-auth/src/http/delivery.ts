import type { Response } from 'express';
import type { Delivery } from '../saml/logout/logout-message.ts';
import { html } from './html.ts';
import { sendFormPage, sendPage } from './page.ts';

const TITLE = 'Signing out';

/** Has the browser carry a message on, in answer to a message of another site. */
export function sendOn(response: Response, delivery: Delivery): void {
  if (delivery.binding === 'post') sendFormPage(response, TITLE, delivery);
  else response.set('cache-control', 'no-store').redirect(303, delivery.url);
}

/**
 * As {@link sendOn}, in answer to a form of ours or of the host's: a redirect to another
 * site would be held against the `form-action` of the page that the form is on, and a
 * page that goes there by itself is not.
 */
export function sendOnFromForm(response: Response, delivery: Delivery): void {
  if (delivery.binding === 'post') {
    sendFormPage(response, TITLE, delivery);
    return;
  }
  response.set('refresh', `0; url=${delivery.url}`);
  const body = html`<p>You have signed out here, and are being sent on to your identity provider.</p>
<p><a class="button" href="${delivery.url}">Continue</a></p>`;
  sendPage(response, 200, TITLE, body);
}
