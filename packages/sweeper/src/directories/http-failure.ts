import { DirectoryError, type Refusal } from './directory-error.ts';
import type { DirectoryFault } from './port.ts';

/** One attempt that failed, before it is decided whether to try again. */
export interface HttpFailure {
  readonly fault: DirectoryFault;
  /** What was expected and what came, as the end of a sentence. No secret. */
  readonly what: string;
  /** `retryable` where the same request may do better in a moment. */
  readonly refusal: Refusal;
  readonly retryAfterMs: number | null;
  readonly cause: Error | null;
}

// 500 is here because reads may be repeated without harm and many 500s pass.
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);
const TLS = /^(?:ERR_TLS|ERR_SSL|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_|EPROTO)/;

/** What a vendor says with a refusal beyond its status, in its own words. */
export interface VendorRefusal {
  /** Where the status says something else, such as 403 for a quota. */
  readonly fault?: DirectoryFault;
  /** The vendor's code, such as `E0000006`. */
  readonly code?: string;
}

/** Codes are repeated to people; whatever else stands in their place is not. */
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,59}$/;

/** The failure that a status other than the wanted one is. */
export function failureOfStatus(
  status: number,
  retryAfterMs: number | null,
  vendor: VendorRefusal = {},
): HttpFailure {
  const fault = vendor.fault ?? faultOfStatus(status);
  const code = vendor.code !== undefined && CODE.test(vendor.code) ? ` (${vendor.code})` : '';
  return {
    fault,
    what: `answered ${status}${code}${remarkOn(status, fault)}`,
    refusal: refusalOfStatus(status, fault),
    retryAfterMs: fault === 'rate_limited' || status === 503 ? retryAfterMs : null,
    cause: null,
  };
}

/** Not sent, because the directory asked to be left alone for so many milliseconds more. */
export function heldBack(durationMs: number): HttpFailure {
  const what = `was not sent: the directory asked for a pause, of which ${Math.ceil(durationMs / 1_000)} s are left`;
  return {
    fault: 'rate_limited',
    what,
    refusal: 'retryable',
    retryAfterMs: durationMs,
    cause: null,
  };
}

/** An answer that came and cannot be what it should be. */
export function malformed(what: string): HttpFailure {
  return { fault: 'malformed_answer', what, refusal: 'unknown', retryAfterMs: null, cause: null };
}

/** No whole answer within the time. */
export function timedOut(timeoutMs: number): HttpFailure {
  const what = `gave no whole answer within ${timeoutMs} ms`;
  return { fault: 'timed_out', what, refusal: 'retryable', retryAfterMs: null, cause: null };
}

/**
 * The failure that an exception of `fetch` is. Only its code and message are
 * kept: the objects that it hangs on may hold pieces of requests and answers.
 */
export function failureOfException(error: unknown): HttpFailure {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = codeOfException(inner);
  const message = inner instanceof Error ? inner.message : 'unknown error';
  const tls = TLS.test(code);
  return {
    fault: 'request_failed',
    what: tls
      ? `could not be trusted over TLS (${code})`
      : `could not be asked (${code === '' ? message : code})`,
    refusal: tls ? 'unknown' : 'retryable',
    retryAfterMs: null,
    cause: new Error(code === '' ? message : `${code}: ${message}`),
  };
}

/** The error to throw for a failure. `request` is such as `GET https://host/path`. */
export function directoryErrorOf(
  failure: HttpFailure,
  request: string,
  attempts: number,
): DirectoryError {
  const tries = attempts > 1 ? `, tried ${attempts} times` : '';
  return new DirectoryError(failure.fault, `${request} ${failure.what}${tries}.`, {
    refusal: failure.refusal,
    ...(failure.cause === null ? {} : { cause: failure.cause }),
    ...(failure.retryAfterMs === null ? {} : { retryAfterMs: failure.retryAfterMs }),
  });
}

function faultOfStatus(status: number): DirectoryFault {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 429) return 'rate_limited';
  return status === 408 ? 'timed_out' : 'request_failed';
}

function refusalOfStatus(status: number, fault: DirectoryFault): Refusal {
  if (fault === 'rate_limited' || TRANSIENT.has(status)) return 'retryable';
  if (fault === 'unauthorized' || fault === 'forbidden') return 'permission';
  return status === 404 || status === 410 ? 'gone' : 'unknown';
}

function remarkOn(status: number, fault: DirectoryFault): string {
  if (fault === 'rate_limited') return ': too many requests';
  if (status === 401) return ': the credentials were refused';
  if (status === 403) return ': the credentials are not allowed to read this';
  if (status === 404) return ': check the URL of the directory';
  // Following one would send the credentials to a place that nobody configured.
  if (status >= 300 && status < 400) return ': expected an answer, received a redirect';
  return '';
}

function codeOfException(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
