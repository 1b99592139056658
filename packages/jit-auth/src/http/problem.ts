import type { Request, Response } from 'express';
import { type Html, html } from './html.ts';
import { sendPage } from './page.ts';

/** What went wrong, for whoever asked: a program or a person. */
export interface Problem {
  readonly status: number;
  /** Stable: programs match it, people search for it. */
  readonly code: string;
  readonly title: string;
  /** One or two public sentences: what happened and what to do. */
  readonly detail: string;
  readonly reference: string;
  /** More for the page only, such as a way out. */
  readonly more?: Html;
}

/**
 * Answers with a problem: a page where a browser navigates, else
 * `application/problem+json` (RFC 9457) with the same code and reference.
 */
export function sendProblem(request: Request, response: Response, problem: Problem): void {
  if (wantsPage(request)) sendProblemPage(response, problem);
  else sendProblemJson(response, problem);
}

/** Whether a person looks at the answer. A program that takes anything gets JSON. */
export function wantsPage(request: Request): boolean {
  return request.accepts(['json', 'html']) === 'html' && request.get('accept') !== undefined;
}

function sendProblemPage(response: Response, problem: Problem): void {
  const body = html`<p>${problem.detail}</p>${problem.more ?? html``}
<dl><dt>Code</dt><dd data-testid="code">${problem.code}</dd>
<dt>Reference</dt><dd data-testid="reference">${problem.reference}</dd></dl>`;
  sendPage(response, problem.status, problem.title, body);
}

/** Answers a program, whatever its Accept header says. */
export function sendProblemJson(response: Response, problem: Problem): void {
  const { status, code, title, detail, reference } = problem;
  response
    .status(status)
    .set('cache-control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify({ type: 'about:blank', status, title, detail, code, reference }));
}
