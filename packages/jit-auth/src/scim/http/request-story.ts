import type { ScimToken } from '@rollcall/shared/db/scim-tokens';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Request, RequestHandler } from 'express';
import { referenceOf } from '../../http/reference.ts';
import type { ScimRequest } from '../call.ts';
import type { AskedRequest } from '../log/meaning.ts';
import { notedRequest, type RequestOutcome } from '../log/noted-request.ts';
import type { RequestLog } from '../log/request-log.ts';

/** An operation of `/Bulk`: it has no query. */
export type AskedOperation = Pick<ScimRequest, 'method' | 'path' | 'body'>;

/** What is known of a request while it is carried out. */
interface Story {
  readonly begunAt: number;
  readonly token: ScimToken | null;
  /** Whether the token was good. */
  readonly known: boolean;
}

const stories = new WeakMap<Request, Story>();

/** Begins to measure how long a request takes. */
export const beginStory: RequestHandler = (request, _response, next) => {
  stories.set(request, { begunAt: performance.now(), token: null, known: false });
  next();
};

/** Says which token came with it, good or not. */
export function noteToken(request: Request, token: ScimToken, known: boolean): void {
  stories.set(request, { begunAt: performance.now(), ...stories.get(request), token, known });
}

/** Writes down what a request, or an operation of it, meant and what became of it. */
export function noteRequest(
  { requestLog }: { readonly requestLog?: RequestLog },
  request: Request,
  asked: AskedRequest,
  outcome: RequestOutcome,
): void {
  const story = stories.get(request);
  if (requestLog === undefined || story === undefined) return;
  const head = {
    at: currentTime(),
    token: story.token,
    durationMs: performance.now() - story.begunAt,
    reference: referenceOf(request),
  };
  // Who asks far too often is refused without being looked at, and not written down each time.
  const known = story.known && outcome.status !== 429;
  requestLog.note(notedRequest(asked, outcome, head), known);
}
