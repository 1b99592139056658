import { sayReason } from '@rollcall/shared/core/reasons';
import type { Database } from '@rollcall/shared/db/database';
import { readSession, type SessionReading } from '@rollcall/shared/db/sessions';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { sessionOfRequest } from '../sessions/issue.ts';
import { signedInUser } from './signed-in-user.ts';

/** What a request's cookie came to; `none` where it brought none. */
export type RequestSession = SessionReading | { readonly kind: 'none' };

/** What reading sessions needs. */
export interface RequestSessionContext {
  readonly db: Database;
  /** How long a session may go unused, in milliseconds. */
  readonly idleMs: number;
  /** Ids of the connections of the configuration. */
  readonly connections: ReadonlySet<string>;
}

const readings = new WeakMap<Request, RequestSession>();

/**
 * Reads, for each request, who is signed in: the cookie, then the session's row
 * together with the user's state. Whoever was swept out is out from here on. A
 * store or database that fails is passed on as an error, so nobody is let in.
 */
export function readRequestSession(context: RequestSessionContext): RequestHandler {
  return async (request: Request, response: Response, next: NextFunction) => {
    const reading = await readingOf(request, context);
    readings.set(request, reading);
    if (reading.kind === 'live') {
      request.user = signedInUser(reading);
      // What somebody sees who is signed in belongs into no cache; the host may say otherwise.
      response.set('cache-control', 'private, no-store');
    }
    next();
  };
}

async function readingOf(
  request: Request,
  { db, idleMs, connections }: RequestSessionContext,
): Promise<RequestSession> {
  const id = sessionOfRequest(request);
  if (id === null) return { kind: 'none' };
  // A page that asks who is signed in, again and again, is no sign of a person.
  const used = request.path !== '/session';
  const reading = await readSession(db, id, { idleMs, used, trusted: connections }, currentTime());
  if (reading.kind !== 'live' || connections.has(reading.connectionId)) return reading;
  // An identity provider that we trust no more vouches for nobody.
  return { kind: 'dead', why: 'ended', reason: 'connection_removed' };
}

/** What {@link readRequestSession} found. `none` where the plugin's router is not mounted. */
export function requestSession(request: Request): RequestSession {
  return readings.get(request) ?? { kind: 'none' };
}

/** Why nobody is signed in: a stable code and a sentence. */
export interface NotSignedIn {
  readonly code:
    | 'session.none'
    | 'session.ended'
    | 'session.expired'
    | 'session.fresh_sign_in_needed'
    | 'session.access_ended';
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
      return accessEnded(reading.reason);
    case 'ended':
      return reading.reason === 'signed_out' ? signedOut() : sessionEnded(reading.reason);
    case 'epoch_passed':
      return sessionEnded(null);
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
        code: 'session.fresh_sign_in_needed',
        title: 'Please sign in again',
        detail:
          'A fresh sign-in at your identity provider is needed. You keep your roles, and one is enough.',
      };
    default:
      return reading.why satisfies never;
  }
}

/** The session is over, and the person may well have access: they need only sign in. */
function sessionEnded(reason: string | null): NotSignedIn {
  const because = reason === null ? '' : `: ${sayReason(reason)}`;
  return {
    code: 'session.expired',
    title: 'Session ended',
    detail: `Your session was ended${because}. Please sign in again.`,
  };
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
