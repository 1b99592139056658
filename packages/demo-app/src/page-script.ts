/**
 * Runs in the reader's browser: asks every second who is signed in. When access
 * has ended it clears the page, so that nothing of the old view stays readable.
 */
export const PAGE_SCRIPT = `
const view = document.querySelector('[data-live]');
async function look() {
  const answer = await fetch('/session', { headers: { accept: 'application/json' }, cache: 'no-store' });
  if (answer.ok) {
    const { user } = await answer.json();
    const roles = document.querySelector('[data-testid=roles]');
    if (roles) roles.textContent = user.roles.join(', ') || 'none';
    return true;
  }
  if (answer.status !== 401) return true;
  const problem = await answer.json();
  document.title = problem.title;
  const heading = document.createElement('h1');
  heading.textContent = problem.title;
  const detail = document.createElement('p');
  detail.textContent = problem.detail;
  detail.dataset.testid = 'ended';
  const again = document.createElement('p');
  const link = document.createElement('a');
  link.href = '/login?return_to=%2F';
  link.textContent = 'Sign in again';
  again.append(link);
  view.replaceChildren(heading, detail, again);
  view.setAttribute('role', 'alert');
  return false;
}
async function keepLooking() {
  let live = true;
  while (live) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // A server that does not answer is no end of access: the page keeps asking.
    live = await look().catch(() => true);
  }
}
if (view) keepLooking();
`;
