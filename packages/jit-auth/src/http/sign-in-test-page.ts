import type { RoleMapping } from '@rollcall/shared/core/roles';
import type { SignInTestReport } from '@rollcall/shared/explanation/sign-in-test';
import type { Response } from 'express';
import { type Html, html } from './html.ts';
import { sendPage } from './page.ts';

/** Shows what a test sign-in showed, to the browser that did it. */
export function sendTestPage(response: Response, report: SignInTestReport): void {
  const { seen, failure } = report;
  const title = report.ok ? 'This sign-in would be let in' : 'This sign-in would be refused';
  const steps = report.steps.map(({ step, state }) => html`<dt>${state}</dt><dd>${step}</dd>`);
  const wrong =
    failure === null
      ? html``
      : html`<h2>What is wrong</h2>${list([
          ['code', failure.code],
          ['expected', said(failure.expected)],
          ['received', said(failure.received)],
        ])}`;
  const body = html`<p>A test: nobody was signed in, and nothing was changed.</p>
<dl data-testid="steps">${steps}</dl>${wrong}${seen === null ? html`` : seenParts(seen)}
<h2>Reference</h2><p data-testid="reference">${report.reference}</p>`;
  sendPage(response, 200, title, body);
}

function seenParts(seen: NonNullable<SignInTestReport['seen']>): Html {
  const attributes = seen.attributes.map(({ name, values, more }): [string, string] => [
    name,
    `${values.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ]);
  const profile = Object.entries(seen.profile).map(([name, value]): [string, string] => [
    name,
    value ?? 'none',
  ]);
  const roles = seen.roles === null ? 'none' : seen.roles.roles.join(', ') || 'none';
  return html`<h2>Attributes</h2>${list([['NameID', seen.nameId.value], ...attributes])}
<h2>Profile</h2>${list([['subject', seen.subject ?? 'none'], ...profile])}
<h2>Roles</h2>${list([['roles', roles], ...mappingRows(seen.mapping)])}
<h2>Clocks</h2><p>Our clock less theirs, with the way of the browser: ${seen.clockDifferenceMs} ms</p>`;
}

function mappingRows(mapping: RoleMapping | null): [string, string][] {
  if (mapping === null) return [];
  if (mapping.kind === 'unknown') return [['groups', `not known: ${mapping.because}`]];
  const rule = ({ file, line }: { file: string; line: number }): string => `${file}:${line}`;
  return [
    ...mapping.because.map((one): [string, string] => [
      `${one.role} ✓`,
      `${[...one.groups, ...one.attributes].join(', ')} (${rule(one.rule)})`,
    ]),
    ...mapping.missed.map((one): [string, string] => [
      `${one.role} ✗`,
      `${one.because}: ${one.wanted.join(', ')} (${rule(one.rule)})`,
    ]),
    ['groups of no rule', mapping.unmatched.join(', ') || 'none'],
  ];
}

function list(rows: readonly (readonly [string, string])[]): Html {
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
