import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { Request, Response } from 'express';
import type { LogoutOutcome } from '../saml/logout/single-logout.ts';
import type { ReceivedLogout } from '../saml/logout/verify-logout.ts';
import type { PostedForm } from '../saml/raw-response.ts';
import { SamlRefusal } from '../saml/refusal.ts';
import type { SignInConnection } from '../sign-in-connection.ts';
import type { SignInRecord } from '../sign-in-record.ts';
import { browserOf } from './browser-cookie.ts';
import { sendOn } from './delivery.ts';
import { sendProblem } from './problem.ts';
import { newReference } from './reference.ts';
import { sendSignedOut } from './sign-out.ts';

/** What receiving logout messages needs. */
export interface LogoutContext {
  readonly https: boolean;
  readonly record: SignInRecord;
  readonly log: Log;
}

/** `GET|POST /saml/{connection}/logout`: a LogoutRequest or LogoutResponse of the identity provider. */
export async function receiveLogout(
  { https, record, log }: LogoutContext,
  connection: SignInConnection,
  request: Request,
  response: Response,
): Promise<void> {
  const reference = newReference();
  const head = { ref: reference, connection: connection.id };
  const received = messageOf(request);
  try {
    const browser = browserOf(request, https);
    const brought = { received, browser, reference, now: currentTime() };
    const outcome = await connection.receiveLogout(brought);
    log.info({ event: `logout.${outcome.kind}`, ...head, ...factsOf(outcome) });
    answerWith(outcome, response, reference);
  } catch (error) {
    if (!(error instanceof SamlRefusal)) throw error;
    const { code, detail } = error;
    log.warn({ event: 'logout.refused', ...head, code, ...detail });
    record.refused({ connection: connection.id, code, reference, detail }, currentTime());
    if (isResponse(received)) sendSignedOut(response, 'unknown', reference);
    else refuse(request, response, reference);
  }
}

/** The query as it came: what a parser has made of it is not what was signed. */
function messageOf(request: Request): ReceivedLogout {
  if (request.method === 'POST') {
    return { binding: 'post', form: (request.body ?? {}) as PostedForm };
  }
  const question = request.originalUrl.indexOf('?');
  return {
    binding: 'redirect',
    query: question < 0 ? '' : request.originalUrl.slice(question + 1),
  };
}

/** Only for what is said: whoever has begun to sign out has been signed out here before. */
function isResponse(received: ReceivedLogout): boolean {
  if (received.binding === 'post') return Object.hasOwn(received.form, 'SAMLResponse');
  return /(?:^|&)SAMLResponse=/.test(received.query);
}

function answerWith(outcome: LogoutOutcome, response: Response, reference: string): void {
  switch (outcome.kind) {
    case 'answered':
      sendSignedOut(response, outcome.complete ? 'everywhere' : 'partly');
      return;
    case 'sessions_ended':
      if (outcome.answer === null) sendSignedOut(response, 'here');
      else sendOn(response, outcome.answer);
      return;
    case 'not_carried_out':
      if (outcome.answer === null) sendSignedOut(response, 'unknown', reference);
      else sendOn(response, outcome.answer);
      return;
    default:
      outcome satisfies never;
  }
}

function factsOf(outcome: LogoutOutcome): Readonly<Record<string, unknown>> {
  switch (outcome.kind) {
    case 'answered':
      return { complete: outcome.complete, status: outcome.statusCodes };
    case 'sessions_ended':
      return { sessions: outcome.sessions, request: outcome.requestId };
    case 'not_carried_out':
      return { code: outcome.refusal.code, ...outcome.refusal.detail };
    default:
      return outcome satisfies never;
  }
}

/** Which check failed helps only somebody who forges one: it is in the log. */
function refuse(request: Request, response: Response, reference: string): void {
  sendProblem(request, response, {
    status: 403,
    code: 'saml.logout_refused',
    title: 'Not signed out',
    detail:
      'This request to sign out could not be verified, so nothing was ended. To sign out, use the button of the app.',
    reference,
  });
}
