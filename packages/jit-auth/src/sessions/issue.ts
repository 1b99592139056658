import { AppError } from '@rollcall/shared/core/errors';
import { type SessionId, toSessionId } from '@rollcall/shared/core/ids';
import type { Request } from 'express';

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
  try {
    await settle((done) => request.session.regenerate(done));
    request.session.rollcallSession = id;
    await settle((done) => request.session.save(done));
  } catch (error) {
    // Else express-session saves it with the answer after all, and whoever reads that
    // the sign-in failed is signed in.
    Reflect.deleteProperty(request, 'session');
    throw error;
  }
}

/** Takes the browser's cookie back. Throws `session.store_failed`. */
export async function withdrawCookie(request: Request): Promise<void> {
  await settle((done) => request.session.destroy(done));
}

/** The session that the browser's cookie stands for; null where it brought none. */
export function sessionOfRequest(request: Request): SessionId | null {
  const id = request.session?.rollcallSession;
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
