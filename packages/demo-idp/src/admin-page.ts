import type { Directory, PersonView } from './directory.ts';
import { FAULT_SENTENCES, FAULTS, type Fault } from './faults.ts';
import { html, type Markup, renderButton, renderPage } from './html.ts';
import type { OpenSessions } from './open-sessions.ts';
import { EVERYONE, fullName } from './people.ts';
import type { LoggedRequest } from './request-log.ts';

/** What the page shows. */
export interface AdminPageInput {
  readonly directory: Directory;
  readonly sessions: OpenSessions;
  readonly requests: readonly LoggedRequest[];
  /** A sentence about what was just done. */
  readonly notice: string | undefined;
}

/**
 * The directory's own page. For tests and scripts in a browser:
 *
 * - `person-{id}` the row; `state-{id}` its state; `groups-{id}` its groups
 * - `disable-{id}`, `remove-{id}`, `unassign-{id}`, `restore-{id}` buttons, also found by
 *   their names, such as "Disable Ada Lovelace"
 * - `sign-out-{id}` is there while somebody is signed in somewhere
 * - `change-groups-{id}` opens the checkboxes (each labelled with the group's name),
 *   `save-groups-{id}` sends them
 * - `current-fault` the fault in words, with its name in `data-fault`; `fault-{name}` the
 *   radio buttons; `set-fault` sends the choice; `mend` is there while something is broken
 * - `directory-log` the table of requests; `notice` what was just done
 */
export function renderAdminPage(input: AdminPageInput): string {
  const { directory, requests, notice } = input;
  const fault = directory.fault();
  const main = html`
<p class="soft">Who works here, and what the directory says of them. What you change here, the next sweep can find.</p>
${notice !== undefined && html`<p class="note good" role="status" data-testid="notice">${notice}</p>`}
${renderCurrentFault(fault)}
<section class="card wide">${renderPeople(input)}</section>
<div class="columns">
<section class="card" aria-labelledby="break"><h2 id="break">Break the directory</h2>${renderFaultForm(fault)}</section>
<section class="card wide">${renderLog(requests)}</section>
</div>`;
  return renderPage('Directory', main);
}

function renderCurrentFault(fault: Fault): Markup {
  const healthy = fault === 'none';
  const mend = html`<form method="post" action="/fault"><input type="hidden" name="fault" value="none">${renderButton({ label: 'Mend', unseen: 'the directory', testId: 'mend' })}</form>`;
  return html`<div class="note ${healthy ? 'good' : 'bad'}"><p data-testid="current-fault" data-fault="${fault}"><strong>${healthy ? 'Directory in order.' : 'Directory broken.'}</strong> ${FAULT_SENTENCES[fault]}.${!healthy && ' Signing in still works.'}</p>${!healthy && mend}</div>`;
}

function renderPeople({ directory, sessions }: AdminPageInput): Markup {
  return html`<table>
<caption>People</caption>
<thead><tr><th scope="col">Person</th><th scope="col">State</th><th scope="col">Groups</th><th scope="col">Change</th></tr></thead>
<tbody>
${directory.people().map((person) => renderPerson(person, directory, sessions.of(person.id).length > 0))}
</tbody>
</table>`;
}

function renderPerson(person: PersonView, directory: Directory, signedIn: boolean): Markup {
  const groups = directory.groupsOf(person);
  return html`<tr data-testid="person-${person.id}">
<th scope="row">${fullName(person)}<span class="detail">${person.email}</span><code class="detail">${person.id}</code></th>
<td><span class="tag ${person.state}" data-testid="state-${person.id}">${person.state}</span></td>
<td data-testid="groups-${person.id}">${groups.map(({ name }) => html`<span class="tag">${name}</span>`)}</td>
<td>${renderActions(person, directory, signedIn)}</td>
</tr>
`;
}

function renderActions(person: PersonView, directory: Directory, signedIn: boolean): Markup {
  const unseen = fullName(person);
  const button = (label: string, action: string, style?: 'danger'): Markup =>
    html`<form method="post" action="/people/${encodeURIComponent(person.id)}/${action}">${renderButton({ label, unseen, testId: `${action}-${person.id}`, ...(style === undefined ? {} : { style }) })}</form>`;
  return html`<div class="actions">
${!person.removed && !person.disabled && button('Disable', 'disable')}
${!person.removed && person.assigned && button('Unassign', 'unassign')}
${!person.removed && button('Remove', 'remove', 'danger')}
${person.state !== 'active' && button('Restore', 'restore')}
${signedIn && button('Sign out everywhere', 'sign-out')}
${!person.removed && renderGroupForm(person, directory)}
</div>`;
}

function renderGroupForm(person: PersonView, directory: Directory): Markup {
  const offered = directory.groups().filter(({ kind }) => kind === 'role');
  const choices = offered.map(
    ({ name }) =>
      html`<label class="choice"><input type="checkbox" name="group" value="${name}"${person.groups.includes(name) && html` checked`}> ${name}</label>`,
  );
  const unseen = `of ${fullName(person)}`;
  return html`<details><summary data-testid="change-groups-${person.id}">Change groups<span class="unseen"> ${unseen}</span></summary>
<form method="post" action="/people/${encodeURIComponent(person.id)}/groups"><fieldset><legend>Groups<span class="unseen"> ${unseen}</span></legend>${choices}</fieldset>
<p class="soft">Everybody is in ${EVERYONE}.</p>${renderButton({ label: 'Save groups', unseen, testId: `save-groups-${person.id}`, style: 'main' })}</form></details>`;
}

function renderFaultForm(current: Fault): Markup {
  const choices = FAULTS.map(
    (fault) =>
      html`<label class="choice"><input type="radio" name="fault" value="${fault}" data-testid="fault-${fault}"${fault === current && html` checked`}> ${FAULT_SENTENCES[fault]}</label>`,
  );
  return html`<form method="post" action="/fault"><fieldset><legend>When it is asked who works here, the directory should be</legend>${choices}</fieldset>${renderButton({ label: 'Set', unseen: 'the fault of the directory', testId: 'set-fault', style: 'main' })}</form>`;
}

function renderLog(requests: readonly LoggedRequest[]): Markup {
  const rows = requests.map(
    (request) =>
      html`<tr><td><time datetime="${new Date(request.at).toISOString()}">${new Date(request.at).toISOString().slice(11, 19)}</time></td><td>${request.method}</td><td class="path">${request.path}</td><td>${request.status ?? 'no answer'}</td></tr>`,
  );
  const empty = html`<tr><td colspan="4" class="soft">Nobody has asked the directory anything yet.</td></tr>`;
  return html`<table data-testid="directory-log">
<caption>Last requests to the directory</caption>
<thead><tr><th scope="col">UTC</th><th scope="col">Method</th><th scope="col">Path</th><th scope="col">Status</th></tr></thead>
<tbody>${rows.length > 0 ? rows : empty}</tbody>
</table>`;
}
