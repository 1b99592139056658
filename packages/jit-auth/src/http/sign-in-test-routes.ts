import type { EpochMs } from '@rollcall/shared/core/time';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { Request, Response } from 'express';
import type { PostedForm } from '../saml/raw-response.ts';
import type { SignInConnection } from '../sign-in-connection.ts';
import { giveTestSecret, newTestSecret, takeBackTestSecret } from './browser-cookie.ts';
import { type Problem, sendProblem } from './problem.ts';
import { referenceOf } from './reference.ts';
import { sendTestPage } from './sign-in-test-page.ts';

const UNUSABLE: Omit<Problem, 'reference'> = {
  status: 410,
  code: 'test.ticket_unusable',
  title: 'This test is over',
  detail:
    'The ticket of this test sign-in was used, has expired, or is for another connection. Make another one with `rollcall connection test`.',
};

interface TestContext {
  readonly https: boolean;
  readonly log: Log;
  readonly now: EpochMs;
}

/**
 * Begins a test sign-in: a ticket, once, makes this browser one that only tests. Without a
 * good ticket its cookie stays as it is: any page can have a browser ask for this, and a
 * sign-in that is under way needs the cookie.
 */
export async function startTest(
  connection: SignInConnection,
  request: Request,
  response: Response,
  { https, log, now }: TestContext,
): Promise<void> {
  const ticket = request.query.test;
  response.set('cache-control', 'no-store');
  const secret = newTestSecret();
  const url = typeof ticket === 'string' ? await connection.startTest(ticket, secret, now) : null;
  if (url === null) {
    refuse(connection, request, response, log);
    return;
  }
  giveTestSecret(response, secret, https);
  response.redirect(url);
}

/**
 * Ends a test sign-in: shows what became of it. Whatever the response is, a browser with a
 * test's secret is not signed in.
 */
export async function finishTestSignIn(
  connection: SignInConnection,
  request: Request,
  response: Response,
  { https, log, now, browser }: TestContext & { readonly browser: string },
): Promise<void> {
  takeBackTestSecret(response, https);
  const reference = referenceOf(request);
  const form = (request.body ?? {}) as PostedForm;
  const report = await connection.finishTest({ form, browser, reference, now });
  if (report === null) {
    refuse(connection, request, response, log);
    return;
  }
  sendTestPage(response, report);
}

function refuse({ id }: SignInConnection, request: Request, response: Response, log: Log): void {
  const reference = referenceOf(request);
  log.warn({ event: 'sign_in_test.refused', ref: reference, connection: id, code: UNUSABLE.code });
  sendProblem(request, response, { ...UNUSABLE, reference });
}
