import { AppError } from '@rollcall/shared/core/errors';
import { type SessionId, toSessionId } from '@rollcall/shared/core/ids';
import type { Request } from 'express';
import { ownRequest } from './own-request.ts';

declare module 'express-session' {
  interface SessionData {
    /** The row in `sessions` that this cookie stands for. */
    rollcallSession?: string;
  }
}

/**
 * Gives the browser a cookie for a session that has been committed. The cookie's
 * id is a new one: whoever planted the old one holds nothing (session fixation,
 * CVE-2022-25896). Throws `session.store_failed`; the row then stands for nobody
 * and expires.
 */
export async function issueCookie(request: Request, id: SessionId): Promise<void> {
  const own = ownRequest(request);
  try {
    await settle((done) => own.session.regenerate(done));
    own.session.rollcallSession = id;
    await settle((done) => own.session.save(done));
  } catch (error) {
    // Else express-session saves it with the answer after all, and whoever reads that
    // the sign-in failed is signed in. Not deleted: the host's would show through.
    Reflect.set(own, 'session', undefined);
    throw error;
  }
}

/** Makes the browser's cookie stand for nothing. Throws `session.store_failed`. */
export async function withdrawCookie(request: Request): Promise<void> {
  const { session } = ownRequest(request);
  await settle((done) => session.destroy(done));
}

/** The session that the browser's cookie stands for; null where it brought none. */
export function sessionOfRequest(request: Request): SessionId | null {
  const id = ownRequest(request).session?.rollcallSession;
  return id === undefined ? null : toSessionId(id);
}

function settle(start: (done: (error?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((cause) => {
      if (cause === undefined || cause === null) resolve();
      else if (cause instanceof AppError) reject(cause);
      else reject(new AppError('session.store_failed', 'Please try again in a moment.', { cause }));
    });
  });
}
