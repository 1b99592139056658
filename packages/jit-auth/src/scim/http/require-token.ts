import type { ScimToken } from '@rollcall/shared/db/scim-tokens';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Request, RequestHandler, Response } from 'express';
import { addressKey } from '../../http/address-key.ts';
import { referenceOf } from '../../http/reference.ts';
import { forwardedCertificate } from '../certificate/forwarded-certificate.ts';
import type { ScimConnection } from '../connection.ts';
import { ScimError } from '../scim-error.ts';
import { type Authentication, authenticate } from '../tokens/authenticate.ts';
import { noteToken } from './request-story.ts';
import { ScimRate, USUAL_ALLOWANCE } from './scim-rate.ts';
import type { ScimRoutesContext } from './scim-routes.ts';

/** Who a request comes from. */
export interface Client {
  readonly token: ScimToken;
  readonly connection: ScimConnection;
}

/** Set by {@link requireToken}. */
const clients = new WeakMap<Request, Client>();

/** Who a request comes from; behind {@link requireToken} alone. */
export function clientOf(request: Request): Client {
  const client = clients.get(request);
  if (client === undefined) throw new Error('SCIM was reached without a token');
  return client;
}

/** As {@link clientOf}; undefined before a token was found. */
export function clientIfAny(request: Request): Client | undefined {
  return clients.get(request);
}

/**
 * Lets nobody on without a token that is good here and now, and knows from it whose
 * connection is meant. Nothing of a body has been read by then.
 */
export function requireToken(
  context: ScimRoutesContext,
  connections: ReadonlyMap<string, ScimConnection>,
): RequestHandler {
  const { db, config, log, engine = null, allowance = USUAL_ALLOWANCE } = context;
  const rate = new ScimRate(allowance, engine, log);
  return async (request, response, next) => {
    response.set('cache-control', 'no-store');
    const address = addressKey(request.ip);
    const waitOfAddress = rate.waitOfAddress(address);
    if (waitOfAddress !== null) throw tooMany(response, waitOfAddress);
    const credentials = {
      header: request.get('authorization'),
      address: request.ip,
      certificate: forwardedCertificate(request, config.scim.clientCertificate),
    };
    const found = await authenticate(db, credentials, currentTime());
    if (found.kind === 'refused') {
      noteRefusal(context, request, found);
      const waitNow = await rate.countBad(address);
      throw waitNow === null ? noToken(response) : tooMany(response, waitNow);
    }
    const { token } = found;
    noteToken(request, token, true);
    const wait = await rate.countToken(token.id);
    if (wait !== null) throw tooMany(response, wait);
    const connection = connections.get(token.connectionId);
    if (connection === undefined) throw notOverScim();
    clients.set(request, { token, connection });
    next();
  };
}

function noteRefusal(
  { log, health }: ScimRoutesContext,
  request: Request,
  { why, token }: Extract<Authentication, { kind: 'refused' }>,
): void {
  if (token !== null) {
    noteToken(request, token, false);
    // A token that has run out is the usual way in which all of it comes to a stop.
    health?.note(token.connectionId, 401, 'scim.token_refused', currentTime());
  }
  log.warn({
    event: 'scim.token_refused',
    ref: referenceOf(request),
    why,
    token_name: token?.name,
    address: request.ip,
  });
}

function noToken(response: Response): ScimError {
  response.set('www-authenticate', 'Bearer realm="scim"');
  const sentence = 'A bearer token is needed that is good here and now.';
  return new ScimError(401, null, 'scim.token_refused', sentence);
}

function tooMany(response: Response, waitMs: number): ScimError {
  response.set('retry-after', String(Math.ceil(waitMs / 1000)));
  return new ScimError(429, null, 'scim.too_many_requests', 'Too many requests: please wait.');
}

function notOverScim(): ScimError {
  const sentence =
    'The connection of this token does not take SCIM: see provisioning in the configuration.';
  return new ScimError(403, null, 'scim.not_provisioned', sentence);
}
