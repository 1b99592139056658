import { sayReason } from '@rollcall/shared/core/reasons';
import { type Html, html } from './html.ts';

/** What a refused person reads. */
export interface PublicRefusal {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly more?: Html;
}

const GENERIC: PublicRefusal = {
  status: 403,
  code: 'saml.refused',
  title: 'Sign-in refused',
  detail:
    'The sign-in could not be completed. Please start again; if it happens again, give your administrator the reference below.',
};

const BY_CODE: Readonly<Record<string, Omit<PublicRefusal, 'code' | 'status'>>> = {
  'access.deactivated': {
    title: 'Access ended',
    detail:
      'Your access here has ended, so this sign-in was refused although your identity provider vouched for you.',
  },
  'access.assertion_too_old': {
    title: 'Please sign in anew',
    detail:
      'Your identity provider vouched for you by an earlier sign-in, which is not enough here now. Sign out there, then start again here.',
  },
  'access.not_provisioned': {
    title: 'Not set up yet',
    detail:
      'Your identity provider vouched for you, but has not set you up for this service. Ask whoever assigns it there.',
  },
  'access.no_role': {
    title: 'No role',
    detail: 'You are known to your identity provider, but none of your groups gives a role here.',
  },
  'access.groups_missing': {
    title: 'No groups',
    detail: 'Your identity provider sent no groups, so there is no telling which role you have.',
  },
  'access.signed_out_since': {
    title: 'Signed out meanwhile',
    detail:
      'Your sessions were ended while this sign-in was on its way, so it was not completed. Please sign in again.',
  },
  'identity.email_outside_domains': {
    title: 'Other domain',
    detail: 'Your e-mail address is not of a domain that this identity provider may vouch for.',
  },
  'identity.directory_id_changed': {
    title: 'Another person',
    detail: 'Your identity provider names somebody else by the id that you had here before.',
  },
};

/**
 * What a person may read of a refusal. Whatever was wrong with the response itself
 * is told in one sentence for all causes: the difference helps only a forger. What
 * became of somebody whom the identity provider vouched for is told plainly.
 */
export function publicRefusal(
  code: string,
  detail: Readonly<Record<string, unknown>>,
): PublicRefusal {
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known === undefined) return code.startsWith('identity.') ? { ...GENERIC, code } : GENERIC;
  const more = explain(code, detail);
  return { status: 403, code, ...known, ...(more === null ? {} : { more }) };
}

/** What the person may know of their own case. */
function explain(code: string, detail: Readonly<Record<string, unknown>>): Html | null {
  if (code === 'access.deactivated') {
    const reason = sayReason(String(detail.reason ?? ''));
    const way =
      detail.cause === 'sweep'
        ? 'It returns once the identity provider lists you as active again.'
        : 'Only an administrator of this service can give it back.';
    return html`<p>Reason: <span data-testid="reason">${reason}</span>. ${way}</p>`;
  }
  const unmatched = Array.isArray(detail.unmatched) ? detail.unmatched.map(String) : [];
  if (unmatched.length === 0) return null;
  return html`<p>Groups without a role: ${unmatched.slice(0, 20).join(', ')}.</p>`;
}

/** What a person may read of a request that is no sign-in at all. */
export const BAD_REQUEST: Readonly<Record<string, PublicRefusal>> = {
  'http.body_too_large': {
    ...GENERIC,
    status: 413,
    code: 'http.body_too_large',
    detail: 'The request is larger than any sign-in.',
  },
  'http.bad_body': {
    ...GENERIC,
    status: 400,
    code: 'http.bad_body',
    detail: 'The request is not the form that an identity provider posts.',
  },
  'http.bad_return_to': {
    ...GENERIC,
    status: 400,
    code: 'http.bad_return_to',
    title: 'Bad address',
    detail: 'return_to must be a path of this site, such as /reports.',
  },
  'http.insecure_transport': {
    ...GENERIC,
    status: 400,
    code: 'http.insecure_transport',
    title: 'Not over https',
    detail:
      'This site is reached by https, but the request did not say so: the proxy in front must send X-Forwarded-Proto: https, and the app must trust it.',
  },
};
