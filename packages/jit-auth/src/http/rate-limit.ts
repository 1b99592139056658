import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { RequestHandler } from 'express';
import { addressKey } from './address-key.ts';
import { sendProblem } from './problem.ts';
import { referenceOf } from './reference.ts';
import { type Allowance, SignInRate } from './sign-in-rate.ts';

/**
 * Requests of one address in one minute. Wide enough for a large office behind one
 * address on a Monday morning; narrow enough that nobody fills the table of pending
 * sign-ins.
 */
const USUAL: Allowance = { points: 600, windowSeconds: 60 };

/**
 * Makes one address wait that begins or ends too many sign-ins. The address is
 * `request.ip`: behind a proxy the host's `trust proxy` has to name it.
 */
export function limitSignIns(
  engine: Engine,
  log: Log,
  allowance: Allowance = USUAL,
): RequestHandler {
  const rate = new SignInRate(engine, log, allowance);
  return async (request, response, next) => {
    const wait = await rate.count(addressKey(request.ip));
    if (wait === null) {
      next();
      return;
    }
    const code = 'http.too_many_requests';
    const reference = referenceOf(request);
    log.warn({
      event: code,
      ref: reference,
      connection: request.params.connection,
      code,
      expected: `at most ${allowance.points} in ${allowance.windowSeconds} s`,
      received: 'more',
      address: request.ip,
    });
    response.set('retry-after', String(Math.ceil(wait / 1000)));
    sendProblem(request, response, {
      status: 429,
      code,
      title: 'Too many sign-ins',
      detail: 'Too many sign-ins came from your address. Please wait a minute.',
      reference,
    });
  };
}
