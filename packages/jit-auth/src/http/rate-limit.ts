import type { Log } from '@rollcall/shared/telemetry/log';
import type { RequestHandler } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { sendProblem } from './problem.ts';
import { newReference } from './reference.ts';

/**
 * Requests of one address in one minute. Wide enough for a large office behind one
 * address on a Monday morning; narrow enough that nobody fills the table of pending
 * sign-ins.
 */
const POINTS = 600;
const WINDOW_SECONDS = 60;

/**
 * Makes one address wait that begins or ends too many sign-ins. Counted in this
 * process alone, so that a flood costs no query; with several instances the limit is
 * that many times as high.
 */
export function limitSignIns(log: Log, points: number = POINTS): RequestHandler {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  return async (request, response, next) => {
    const wait = await limiter.consume(request.ip ?? 'unknown').then(
      () => null,
      (refused: unknown) => (refused instanceof RateLimiterRes ? refused.msBeforeNext : null),
    );
    if (wait === null) {
      next();
      return;
    }
    const reference = newReference();
    const facts = { expected: `at most ${points} a minute`, address: request.ip };
    log.warn({ event: 'http.too_many_requests', ref: reference, ...facts });
    response.set('retry-after', String(Math.ceil(wait / 1000)));
    sendProblem(request, response, {
      status: 429,
      code: 'http.too_many_requests',
      title: 'Too many sign-ins',
      detail: 'Too many sign-ins came from your address. Please wait a minute.',
      reference,
    });
  };
}
