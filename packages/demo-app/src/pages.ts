import type { SignedInUser } from '@rollcall/jit-auth';
import type { DemoAppOptions } from './main.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1rem; }
header { display: flex; justify-content: space-between; gap: 1rem; align-items: baseline; }
main { border: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); border-radius: .75rem; padding: 1.5rem 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; }
dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
a, button { color: LinkText; font: inherit; }
.button, button { border: 1px solid currentColor; border-radius: .5rem; padding: .4rem .9rem; background: Canvas; text-decoration: none; cursor: pointer; display: inline-block; }
nav { display: flex; gap: 1rem; flex-wrap: wrap; align-items: center; margin-top: 1.5rem; }
`;

/** The first page: an invitation, or who is signed in and what they may do. */
export function homePage(user: SignedInUser | null, options: DemoAppOptions): string {
  return user === null
    ? page('Insights', invitation(), options)
    : page('Insights', profile(user), options);
}

/** A page that only analysts may read. */
export function reportsPage(user: SignedInUser | null, options: DemoAppOptions): string {
  const body = `<main data-live><h1>Quarterly report</h1>
<p>Readable with the role <strong>analyst</strong>, which ${escapeHtml(nameOf(user))} holds.</p>
<nav><a href="/">Back</a></nav></main>`;
  return page('Quarterly report', body, options);
}

function invitation(): string {
  return `<main><h1>Insights</h1>
<p>A sample analytics app behind Rollcall. Sign in with the demo identity provider: your account is made at the first sign-in, and your groups become roles.</p>
<nav><a class="button" href="/login?return_to=%2F">Sign in</a></nav></main>`;
}

function profile(user: SignedInUser): string {
  return `<main data-live><h1>Hello, <span data-testid="name">${escapeHtml(nameOf(user))}</span></h1>
<dl>
<dt>Roles</dt><dd data-testid="roles">${escapeHtml(user.roles.join(', ') || 'none')}</dd>
<dt>Groups</dt><dd>${escapeHtml(user.groups.join(', ') || 'none')}</dd>
<dt>E-mail</dt><dd>${escapeHtml(user.email ?? 'not asserted')}</dd>
<dt>Subject</dt><dd>${escapeHtml(user.subject)} by ${escapeHtml(user.connection)}</dd>
</dl>
<nav><a class="button" href="/reports">Quarterly report</a>
<form method="post" action="/logout"><button>Sign out</button></form></nav></main>`;
}

function page(title: string, body: string, { directoryUrl }: DemoAppOptions): string {
  const directory =
    directoryUrl === null
      ? ''
      : `<a href="${escapeHtml(directoryUrl)}">The demo identity provider</a>`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>${STYLE}</style></head><body><header><p>Insights, a sample app</p><p>${directory}</p></header>
${body}<script type="module" src="/app.js"></script></body></html>`;
}

function nameOf(user: SignedInUser | null): string {
  if (user === null) return 'nobody';
  const name = [user.givenName, user.familyName].filter((part) => part !== null).join(' ');
  return name === '' ? (user.email ?? user.subject) : name;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? '');
}
