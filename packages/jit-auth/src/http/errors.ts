import { AppError, codeOf } from '@rollcall/shared/core/errors';
import type { Log } from '@rollcall/shared/telemetry/log';
import type { ErrorRequestHandler } from 'express';
import { sendProblem } from './problem.ts';
import { referenceOf } from './reference.ts';

/** What is down or busy is asked again by whoever can wait: a proxy, a program, a patient person. */
const RETRY_AFTER_SECONDS = '2';

/**
 * Answers whatever was thrown on the way: the public sentence of an error of
 * ours, a plain apology for any other, and a reference that finds it in the log.
 */
export function answerErrors(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    const reference = referenceOf(request);
    const status = statusOf(error) ?? 503;
    // What a stranger did wrong must not look like an outage of ours.
    const level = status < 500 ? 'warn' : 'error';
    const code = status < 500 ? 'http.bad_request' : codeOf(error);
    log[level]({ event: 'http.failed', ref: reference, code, path: request.path, err: error });
    if (response.headersSent) {
      next(error);
      return;
    }
    if (status >= 500) response.set('retry-after', RETRY_AFTER_SECONDS);
    sendProblem(request, response, {
      status,
      code,
      title: 'Something went wrong',
      detail: error instanceof AppError ? error.message : 'Please try again in a moment.',
      reference,
    });
  };
}

/**
 * The status with which Express and body-parser mark what the client did wrong; null
 * for every other error. Nothing of ours has one.
 */
export function statusOf(error: unknown): number | null {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
