import { createHash } from 'node:crypto';
import type { PersonView } from './directory.ts';
import { html, type Markup, renderButton, renderPage } from './html.ts';
import { fullName, type PersonState } from './people.ts';
import type { ServiceProvider } from './service-providers.ts';

/** Sends the first form; a button does the same where scripts are off. */
const SUBMIT_SCRIPT = 'document.forms[0].submit()';

/** The hash by which a Content-Security-Policy lets {@link SUBMIT_SCRIPT} run. */
export const SUBMIT_SCRIPT_HASH = `'sha256-${createHash('sha256').update(SUBMIT_SCRIPT).digest('base64')}'`;

/** Why somebody is not signed in. */
export const REFUSALS: Readonly<Record<Exclude<PersonState, 'active'>, string>> = {
  disabled: 'This account is disabled.',
  removed: 'This account is no longer in the directory.',
  unassigned: 'This account is not assigned to the application.',
};

/** What the page shows, and what its form carries along. */
export interface SignInPageInput {
  readonly provider: ServiceProvider;
  readonly people: readonly PersonView[];
  /** The AuthnRequest as it was understood, base64 of its XML. */
  readonly request: string;
  readonly relayState: string | undefined;
  /** Somebody who was just refused. */
  readonly refused?: PersonView;
}

/**
 * The list of people to sign in as. For tests: `sign-in-{id}` and, for people
 * who are refused, `old-session-{id}`; the names of the buttons are "Sign in as
 * Ada Lovelace" and "Sign in with an old session as Ada Lovelace". `refusal`
 * is the reason why somebody was refused.
 */
export function renderSignInPage(input: SignInPageInput): string {
  const { provider, people, relayState, refused } = input;
  const refusal =
    refused !== undefined &&
    refused.state !== 'active' &&
    html`<p class="note bad" role="alert" data-testid="refusal"><strong>${fullName(refused)} is not signed in.</strong> ${REFUSALS[refused.state]}</p>`;
  const main = html`
<p>Choose whom to sign in as at <strong>${provider.name}</strong>.</p>
${refusal}
<form method="post" action="/sso/sign-in">
<input type="hidden" name="request" value="${input.request}">
${relayState !== undefined && html`<input type="hidden" name="relay_state" value="${relayState}">`}
<ul class="people">
${people.map(renderChoice)}
</ul>
</form>
<p class="soft">An old session is one that this IdP opened before the account was shut. Real IdPs keep such sessions, and go on vouching for people who have left.</p>`;
  return renderPage(`Sign in to ${provider.name}`, main);
}

function renderChoice(person: PersonView): Markup {
  const refused = person.state !== 'active';
  const unseen = `as ${fullName(person)}`;
  const signIn = renderButton({
    label: 'Sign in',
    unseen,
    testId: `sign-in-${person.id}`,
    name: 'person',
    value: person.id,
    ...(refused ? {} : { style: 'main' }),
  });
  const oldSession = renderButton({
    label: 'Sign in with an old session',
    unseen,
    testId: `old-session-${person.id}`,
    name: 'old_session',
    value: person.id,
  });
  return html`<li><div><strong>${fullName(person)}</strong> ${refused && html`<span class="tag ${person.state}">${person.state}</span>`}<span class="detail">${person.email} · ${person.groups.join(', ')}</span></div><div class="actions">${signIn}${refused && oldSession}</div></li>
`;
}

/** The form that carries a Response to the application (SAML Bindings §3.5.4). */
export function renderResponsePage(
  provider: ServiceProvider,
  response: string,
  relayState: string | undefined,
): string {
  const encoded = Buffer.from(response, 'utf8').toString('base64');
  const main = html`
<p>You are on your way to <strong>${provider.name}</strong>. If nothing happens, press the button.</p>
<form method="post" action="${provider.acsUrl}">
<input type="hidden" name="SAMLResponse" value="${encoded}">
${relayState !== undefined && html`<input type="hidden" name="RelayState" value="${relayState}">`}
${renderButton({ label: 'Continue', unseen: `to ${provider.name}`, testId: 'continue', style: 'main' })}
</form>`;
  return renderPage('Signing in', main, html`<script>${{ markup: SUBMIT_SCRIPT }}</script>`);
}

/** A page that only says why something cannot be done. */
export function renderRefusalPage(title: string, reason: string): string {
  const main = html`<p class="note bad" role="alert" data-testid="refusal">${reason}</p><p class="soft">Go back to the application and start again from there.</p>`;
  return renderPage(title, main);
}
