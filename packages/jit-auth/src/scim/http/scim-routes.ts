import { hkdfSync } from 'node:crypto';
import type { Config } from '@rollcall/shared/config/types';
import { codeOf } from '@rollcall/shared/core/errors';
import type { Database } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Engine } from '@rollcall/shared/engine/engine';
import type { Log } from '@rollcall/shared/telemetry/log';
import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  Router,
} from 'express';
import { statusOf } from '../../http/errors.ts';
import { referenceOf } from '../../http/reference.ts';
import type { ScimAnswer, ScimRequest } from '../call.ts';
import { scimConnections } from '../connection.ts';
import { MAX_BODY, MAX_BULK_BODY } from '../discovery/service-provider-config.ts';
import { dispatch } from '../dispatch.ts';
import { maskedPath } from '../log/masked-path.ts';
import type { RequestOutcome } from '../log/noted-request.ts';
import { outcomeOf, outcomeOfError } from '../log/outcome.ts';
import type { RequestLog } from '../log/request-log.ts';
import { ScimError, unforeseen } from '../scim-error.ts';
import { showError } from './error-body.ts';
import { type AskedOperation, beginStory, noteRequest } from './request-story.ts';
import { clientIfAny, clientOf, requireToken } from './require-token.ts';
import type { ScimHealth } from './scim-health.ts';
import type { ScimAllowance } from './scim-rate.ts';

/** What the SCIM server needs. */
export interface ScimRoutesContext {
  readonly db: Database;
  readonly config: Config;
  /** The keys of sessions: cursors are signed with what follows from the first. */
  readonly keys: readonly string[];
  readonly log: Log;
  readonly allowance?: ScimAllowance;
  /** Where requests are counted together with other instances; left out: this one counts alone. */
  readonly engine?: Engine;
  /** Where it is written down which clients fail; nowhere where left out. */
  readonly health?: ScimHealth;
  /** Where requests are written down; nowhere where left out. */
  readonly requestLog?: RequestLog;
}

export const SCIM_BASE = '/scim/v2';
const MEDIA_TYPE = 'application/scim+json';
const BODY_TYPES = [MEDIA_TYPE, 'application/json'];

/**
 * `/scim/v2` (RFC 7644): for clients that bring a bearer token, which names the
 * connection. Cookies are not looked at. Mount it before the session.
 */
export function scimRoutes(context: ScimRoutesContext): Router {
  const connections = scimConnections(context.config);
  const baseUrl = `${context.config.publicUrl}${SCIM_BASE}`;
  const cursorKey = keyOfCursors(context.keys);
  const router = Router();
  const api = Router({ caseSensitive: true });
  router.get('/.well-known/scim-configuration', (_request, response) => {
    response.json({ scim_base_url: baseUrl, scim_versions: ['2.0'] });
  });
  api.use(beginStory);
  api.use(requireToken(context, connections));
  api.use(readBody());
  api.use(async (request, response) => {
    const client = clientOf(request);
    const asked = scimRequest(request);
    const call = {
      db: context.db,
      connection: client.connection,
      actor: { kind: 'scim' as const, connection: client.connection.id, token: client.token.name },
      baseUrl,
      cursorKey,
      reference: referenceOf(request),
      now: currentTime(),
      onFault: (error: unknown) => writeLine(context, request, outcomeOfError(unforeseen()), error),
      noteOperation: (operation: AskedOperation, outcome: RequestOutcome) =>
        noteRequest(context, request, { query: new Map(), ...operation }, outcome),
    };
    const answer = await dispatch(call, asked);
    send(response, answer);
    tell(context, request, outcomeOf(answer), null);
  });
  api.use(answerScimErrors(context));
  router.use(SCIM_BASE, api);
  return router;
}

/** Only now, that somebody with a token asks, is the body read at all. */
function readBody(): RequestHandler[] {
  const requireType: RequestHandler = (request, _response, next) => {
    const length = request.get('content-length');
    const hasBody =
      (length !== undefined && length !== '0') || request.get('transfer-encoding') !== undefined;
    if (!hasBody || request.is(BODY_TYPES) !== false) return next();
    throw new ScimError(
      415,
      null,
      'scim.media_type',
      `The body must be ${MEDIA_TYPE} or application/json.`,
    );
  };
  const bulk = express.json({ type: BODY_TYPES, limit: MAX_BULK_BODY, strict: false });
  const other = express.json({ type: BODY_TYPES, limit: MAX_BODY, strict: false });
  const parse: RequestHandler = (request, response, next) =>
    isBulk(request.path) ? bulk(request, response, next) : other(request, response, next);
  return [requireType, parse];
}

/** As `dispatch` reads a path. */
function isBulk(path: string): boolean {
  return path.split('/').find((part) => part !== '') === 'Bulk';
}

function scimRequest(request: Request): ScimRequest {
  const searchParams = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  return {
    method: request.method,
    path: request.path,
    query: new Map(searchParams),
    body: request.body as unknown,
    ifMatch: request.get('if-match') ?? null,
    ifNoneMatch: request.get('if-none-match') ?? null,
  };
}

function send(response: Response, { status, body, etag, location }: ScimAnswer): void {
  response.status(status);
  if (etag !== undefined) response.set('etag', etag);
  if (location !== undefined)
    response.set(status === 201 ? 'location' : 'content-location', location);
  if (body === null) response.end();
  else response.type(MEDIA_TYPE).end(JSON.stringify(body));
}

/** Answers whatever was thrown in the shape of SCIM; what nobody foresaw without a word of it. */
function answerScimErrors(context: ScimRoutesContext): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const told = asTold(error);
    response.status(told.status).type(MEDIA_TYPE);
    if (told.status >= 500) response.set('retry-after', '2');
    response.end(JSON.stringify(showError(told, referenceOf(request))));
    tell(context, request, outcomeOfError(told), error);
  };
}

function asTold(error: unknown): Pick<ScimError, 'status' | 'scimType' | 'code' | 'message'> {
  if (error instanceof ScimError) return error;
  const status = statusOf(error);
  if (status === 413) {
    const message = 'The body is larger than this service takes.';
    return { status, scimType: 'tooMany', code: 'scim.body_too_large', message };
  }
  if (status !== null) {
    const message = 'The body cannot be read: JSON in UTF-8 was expected.';
    return { status: 400, scimType: 'invalidSyntax', code: 'scim.invalid_syntax', message };
  }
  return unforeseen();
}

function tell(
  context: ScimRoutesContext,
  request: Request,
  outcome: RequestOutcome,
  error: unknown,
): void {
  writeLine(context, request, outcome, error);
  noteRequest(context, request, scimRequest(request), outcome);
}

/** One line for each request: what it was, and what became of it. No body, no filter, no secret. */
function writeLine(
  { log, health }: ScimRoutesContext,
  request: Request,
  { status, code }: RequestOutcome,
  error: unknown,
): void {
  const client = clientIfAny(request);
  const seen = {
    event: 'scim.request',
    ref: referenceOf(request),
    connection: client?.connection.id,
    token_name: client?.token.name,
    method: request.method,
    path: maskedPath(request.path),
    status,
  };
  if (client !== undefined) health?.note(client.connection.id, status, code, currentTime());
  if (code === null) log.info(seen);
  else if (status < 500) log.warn({ ...seen, code, reason: wordsOf(error) });
  else log.error({ ...seen, code: codeOf(error), err: error });
}

function wordsOf(error: unknown): string | undefined {
  return error instanceof ScimError ? error.message : undefined;
}

/** All instances have the keys of sessions; what signs cursors must sign nothing else. */
function keyOfCursors(keys: readonly string[]): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', keys[0] ?? '', '', 'rollcall scim cursor', 32));
}
