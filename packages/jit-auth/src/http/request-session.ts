import { sayReason } from '@rollcall/shared/core/reasons';
import type { Database } from '@rollcall/shared/db/database';
import { readSession, type SessionReading } from '@rollcall/shared/db/sessions';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { sessionOfRequest } from '../sessions/issue.ts';
import { signedInUser } from './signed-in-user.ts';

/** What a request's cookie came to; `none` where it brought none. */
export type RequestSession = SessionReading | { readonly kind: 'none' };

const readings = new WeakMap<Request, RequestSession>();

/**
 * Reads, for each request, who is signed in: the cookie, then the session's row
 * together with the user's state. Whoever was swept out is out from here on. A
 * store or database that fails is passed on as an error, so nobody is let in.
 */
export function readRequestSession(db: Database, idleMs: number): RequestHandler {
  return async (request: Request, _response: Response, next: NextFunction) => {
    const id = sessionOfRequest(request);
    const reading: RequestSession =
      id === null ? { kind: 'none' } : await readSession(db, id, idleMs, currentTime());
    readings.set(request, reading);
    if (reading.kind === 'live') request.user = signedInUser(reading);
    next();
  };
}

/** What {@link readRequestSession} found. `none` where the plugin's router is not mounted. */
export function requestSession(request: Request): RequestSession {
  return readings.get(request) ?? { kind: 'none' };
}

/** Why nobody is signed in: a stable code and a sentence. */
export interface NotSignedIn {
  readonly code: 'session.none' | 'session.ended' | 'session.expired' | 'session.access_ended';
  readonly title: string;
  readonly detail: string;
}

/** Says why a request has no live session, so that the page can tell the person. */
export function whyNotSignedIn(reading: Exclude<RequestSession, { kind: 'live' }>): NotSignedIn {
  if (reading.kind === 'none') {
    return { code: 'session.none', title: 'Not signed in', detail: 'Please sign in.' };
  }
  switch (reading.why) {
    case 'deactivated':
    case 'epoch_passed':
      return accessEnded(reading.reason);
    case 'ended':
      return reading.reason === 'signed_out' ? signedOut() : accessEnded(reading.reason);
    case 'expired':
    case 'idle':
    case 'unknown_session':
      return {
        code: 'session.expired',
        title: 'Session expired',
        detail: 'Your session has expired. Please sign in again.',
      };
    case 'fresh_sign_in_needed':
      return {
        code: 'session.expired',
        title: 'Please sign in again',
        detail: 'A fresh sign-in at your identity provider is needed.',
      };
    default:
      return reading.why satisfies never;
  }
}

function signedOut(): NotSignedIn {
  return { code: 'session.ended', title: 'Signed out', detail: 'You have signed out.' };
}

function accessEnded(reason: string | null): NotSignedIn {
  const because = reason === null ? '' : `: ${sayReason(reason)}`;
  return {
    code: 'session.access_ended',
    title: 'Access ended',
    detail: `Your access has ended${because}.`,
  };
}
