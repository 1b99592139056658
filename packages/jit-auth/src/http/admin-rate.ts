import type { Log } from '@rollcall/shared/telemetry/log';
import type { RequestHandler } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { addressKey } from './address-key.ts';
import { sendProblemJson } from './problem.ts';
import { referenceOf } from './reference.ts';

/** Requests of one address in a minute, with and without a token, in this process. */
const POINTS = 120;
const WINDOW_SECONDS = 60;

/**
 * Makes an address wait that asks too much. Counted in this process alone, so that a
 * flood costs no query: tokens are too long to be guessed, whatever the limit.
 */
export function limitAdmin(log: Log, points: number = POINTS): RequestHandler {
  const limiter = new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
  return async (request, response, next) => {
    const wait = await limiter.consume(addressKey(request.ip)).then(
      () => null,
      (refused: unknown) => (refused instanceof RateLimiterRes ? refused.msBeforeNext : null),
    );
    if (wait === null) {
      next();
      return;
    }
    const code = 'http.too_many_requests';
    const reference = referenceOf(request);
    log.warn({ event: 'admin.refused', ref: reference, code, address: request.ip });
    response.set('retry-after', String(Math.ceil(wait / 1000)));
    sendProblemJson(response, {
      status: 429,
      code,
      title: 'Too many requests',
      detail: 'Too many requests to the admin API came from your address. Please wait a minute.',
      reference,
    });
  };
}
