import type { SignedInUser } from '@rollcall/jit-auth';

/** The page at `/` of the service: who is signed in, and a way in or out. */
export function signedInPage(user: SignedInUser | null): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rollcall</title></head>
<body>
<main>
<h1>Rollcall</h1>
${user === null ? INVITATION : profile(user)}
</main>
</body>
</html>
`;
}

const INVITATION = '<p>You are not signed in.</p>\n<p><a href="/login">Sign in</a></p>';

function profile(user: SignedInUser): string {
  const name = [user.givenName, user.familyName].filter((part) => part !== null).join(' ');
  const label = user.email ?? (name === '' ? user.subject : name);
  return `<p>Signed in as <strong>${escapeHtml(label)}</strong> by ${escapeHtml(user.connection)}.</p>
<p>Roles: ${escapeHtml(user.roles.join(', ') || 'none')}</p>
<form method="post" action="/logout"><button>Sign out</button></form>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
