import { recordAudit } from '@rollcall/shared/access/record';
import type { Config } from '@rollcall/shared/config/types';
import type { Actor } from '@rollcall/shared/core/actor';
import { toUserId } from '@rollcall/shared/core/ids';
import { printable } from '@rollcall/shared/core/printable';
import type { User } from '@rollcall/shared/core/user';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { findUser } from '@rollcall/shared/db/users';
import { explainUser } from '@rollcall/shared/explanation/explain-user';
import { explanationToJson } from '@rollcall/shared/explanation/explanation-json';
import type { Log } from '@rollcall/shared/telemetry/log';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { limitAdmin } from './admin-rate.ts';
import { type AdminToken, tokenIn } from './admin-token.ts';
import { type Problem, sendProblemJson } from './problem.ts';
import { referenceOf } from './reference.ts';

/** What the admin API needs. */
export interface AdminRoutesContext {
  readonly db: Database;
  readonly config: Config;
  readonly tokens: readonly AdminToken[];
  readonly log: Log;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * `/admin/api/v1`: for programs that bring a bearer token, and for nobody else. Cookies
 * are not looked at, so no page that somebody visits can use their session here. Mount
 * it before the session; where the configuration names no token it is not mounted.
 */
export function adminRoutes(context: AdminRoutesContext): Router {
  const router = Router();
  const api = Router();
  api.use(limitAdmin(context.log), requireToken(context));
  api.get('/users/:id/explanation', (request, response) => explain(context, request, response));
  api.use((request, response) => answerProblem(request, response, NOT_FOUND));
  router.use('/admin/api/v1', api);
  return router;
}

type Refusal = Omit<Problem, 'reference'>;

const NOT_FOUND: Refusal = {
  status: 404,
  code: 'http.not_found',
  title: 'Nothing here',
  detail: 'There is no such address below /admin/api/v1.',
};
const NO_SUCH_USER: Refusal = {
  status: 404,
  code: 'user.unknown',
  title: 'No such user',
  detail: 'No user has this id.',
};
const NO_TOKEN: Refusal = {
  status: 401,
  code: 'admin.token_required',
  title: 'A token is needed',
  detail: 'Send one of the tokens of admin.tokens as a bearer token.',
};

function answerProblem(request: Request, response: Response, refusal: Refusal): void {
  sendProblemJson(response, { ...refusal, reference: referenceOf(request) });
}

/** Whose token a request brought; set by {@link requireToken}. */
const actors = new WeakMap<Request, Actor>();

function requireToken({ tokens, log }: AdminRoutesContext): RequestHandler {
  return (request, response, next) => {
    response.set('cache-control', 'no-store');
    const token = tokenIn(request.get('authorization'), tokens);
    if (token === null) {
      const reference = referenceOf(request);
      log.warn({ event: 'admin.refused', ref: reference, address: request.ip });
      response.set('www-authenticate', 'Bearer realm="rollcall"');
      answerProblem(request, response, NO_TOKEN);
      return;
    }
    actors.set(request, { kind: 'operator', name: token.name });
    next();
  };
}

/** The same as `rollcall explain --json`. Written down before it is answered. */
async function explain(
  { db, config }: AdminRoutesContext,
  request: Request,
  response: Response,
): Promise<void> {
  const now = currentTime();
  const id = String(request.params.id);
  const user = UUID.test(id) ? await findUser(db, toUserId(id)) : null;
  await recordReading(db, request, user, id);
  if (user === null) {
    answerProblem(request, response, NO_SUCH_USER);
    return;
  }
  response.json(explanationToJson(await explainUser(db, config, user, now)));
}

async function recordReading(
  db: Database,
  request: Request,
  user: User | null,
  asked: string,
): Promise<void> {
  const actor = actors.get(request);
  if (actor === undefined) throw new Error('the admin API was reached without a token');
  const entry = {
    kind: 'explanation.read' as const,
    userId: user?.id ?? null,
    connectionId: user?.connectionId ?? null,
    evidence: { asked: printable(asked.slice(0, 100)) },
    reference: referenceOf(request),
  };
  await inTransaction(db, (tx) => recordAudit(tx, entry, actor, currentTime()));
}
