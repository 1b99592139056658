import type { Request } from 'express';

const views = new WeakMap<Request, Request>();

/**
 * The request as our own express-session sees it. A host may have an express-session
 * of its own: each does nothing where it finds `req.session`, so one of them would
 * keep its data in the other's store, under the other's cookie and flags. Ours
 * lives on a view of the request, and neither sees the other.
 */
export function ownRequest(request: Request): Request {
  const known = views.get(request);
  if (known !== undefined) return known;
  const own = { value: undefined, writable: true, configurable: true, enumerable: true };
  const view: Request = Object.create(request, {
    session: own,
    sessionID: own,
    sessionStore: own,
  });
  views.set(request, view);
  return view;
}
