import type { Log } from '@rollcall/shared/telemetry/log';
import type { RequestHandler } from 'express';
import { sendProblem } from './problem.ts';
import { newReference } from './reference.ts';

/** How long our part of a request may take, in milliseconds. */
const PATIENCE = 10_000;

/** What begins the wait, and what ends it where the request goes on to the host. */
export interface Deadline {
  readonly begin: RequestHandler;
  readonly end: RequestHandler;
}

/**
 * Answers 503 where a database or Redis takes the question and never answers: a page
 * that waits for ever tells nobody anything. How long the host's own routes take is
 * the host's business.
 */
export function requestDeadline(log: Log, patienceMs: number = PATIENCE): Deadline {
  const timers = new WeakMap<object, NodeJS.Timeout>();
  const stop = (response: object): void => clearTimeout(timers.get(response));
  return {
    begin: (request, response, next) => {
      const timer = setTimeout(() => {
        if (response.headersSent) return;
        const reference = newReference();
        const code = 'http.too_slow';
        const seen = { expected: `an answer within ${patienceMs} ms`, received: 'none' };
        log.error({ event: code, ref: reference, code, path: request.path, ...seen });
        sendProblem(request, response, {
          status: 503,
          code,
          title: 'Please try again',
          detail: 'The service did not get an answer in time. Please try again in a moment.',
          reference,
        });
      }, patienceMs);
      timers.set(response, timer);
      response.once('close', () => stop(response));
      next();
    },
    end: (_request, response, next) => {
      stop(response);
      next();
    },
  };
}
