import { apply } from '@rollcall/shared/access/apply';
import type { EpochMs } from '@rollcall/shared/core/time';
import { type Database, inTransaction } from '@rollcall/shared/db/database';
import type { IdentityProvider, LogoutEndpoint } from '../identity-provider.ts';
import { SamlRefusal } from '../refusal.ts';
import type { ReplayMemory } from '../replay-memory.ts';
import type { SamlConnection } from '../saml-connection.ts';
import type { NameId } from '../verified-assertion.ts';
import {
  type CheckedLogoutRequest,
  checkLogoutRequest,
  checkLogoutResponse,
  type LogoutExpectations,
} from './logout-conditions.ts';
import type { LogoutRequestFacts, LogoutResponseFacts } from './logout-facts.ts';
import {
  type Delivery,
  deliver,
  writeLogoutRequest,
  writeLogoutResponse,
} from './logout-message.ts';
import { rememberOwnLogout, takeOwnLogout } from './pending-logout.ts';
import { type ReceivedLogout, verifyLogout } from './verify-logout.ts';

/** With what single logout of one connection works. */
export interface SingleLogoutDeps {
  readonly connection: SamlConnection;
  readonly memory: ReplayMemory;
  readonly db: Database;
}

/** How the identity provider knows a session. */
export interface SessionName {
  readonly nameId: NameId;
  readonly sessionIndex: string | null;
}

/** What became of a message that was received. */
export type LogoutOutcome =
  /** A LogoutRequest was carried out. */
  | {
      readonly kind: 'sessions_ended';
      readonly sessions: number;
      readonly requestId: string;
      /** The LogoutResponse; null where we have no key, or the provider no address for it. */
      readonly answer: Delivery | null;
    }
  /** A LogoutRequest that was signed for us and cannot be carried out. */
  | {
      readonly kind: 'not_carried_out';
      readonly refusal: SamlRefusal;
      readonly answer: Delivery | null;
    }
  /** A LogoutResponse to a request of this browser. */
  | {
      readonly kind: 'answered';
      /** Whether the identity provider says that everything was ended. */
      readonly complete: boolean;
      readonly statusCodes: readonly string[];
    };

/** RelayState is sent back up to here, in bytes (SAML Bindings §3.4.3, §3.5.3). */
const MAX_RELAY_STATE = 80;
const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const PARTIAL = 'urn:oasis:names:tc:SAML:2.0:status:PartialLogout';
/** Refusals that say nothing of who sent the message: the sender may know of them. */
const TOLD: ReadonlySet<string> = new Set(['saml.name_id_missing', 'saml.logout_expired']);

/**
 * Asks the identity provider to end a session that has been ended here (SAML Profiles
 * §4.4.3.1). Null where it offers no single logout, or we have no key to sign with.
 * Throws `saml.replay_memory_unavailable`, `connection.unavailable`.
 */
export async function startLogout(
  { nameId, sessionIndex }: SessionName,
  browser: string,
  { connection, memory }: SingleLogoutDeps,
  now: EpochMs,
): Promise<Delivery | null> {
  const [endpoint] = connection.idp.logoutEndpoints;
  const [key] = connection.keys.signing;
  if (endpoint === undefined || key === undefined) return null;
  const request = writeLogoutRequest({
    issuer: connection.sp.entityId,
    destination: endpoint.url,
    nameId,
    sessionIndex,
    now,
  });
  await rememberOwnLogout(memory, connection.id, request.id, browser, now);
  return deliver('SAMLRequest', request, endpoint, key, null);
}

/**
 * Verifies a message of the identity provider and carries it out. A LogoutRequest needs
 * no cookie: it ends sessions by their names. Throws a {@link SamlRefusal}.
 *
 * @param browser the secret in the browser's cookie; null where it brought none.
 */
export async function receiveLogout(
  received: ReceivedLogout,
  browser: string | null,
  deps: SingleLogoutDeps,
  now: EpochMs,
): Promise<LogoutOutcome> {
  const { connection } = deps;
  const { idp } = connection;
  const { facts, relayState, confirm } = verifyLogout(received, connection);
  const expected = {
    issuer: idp.entityId,
    sloUrl: connection.sp.sloUrl,
    clockSkewMs: connection.clockSkewMs,
  };
  if (facts.kind === 'response') {
    checkLogoutResponse(facts, expected, now);
    await confirm();
    return finishResponse(facts, browser, deps);
  }
  const endpoint = answerEndpoint(idp, received.binding);
  const answerWith = (status: 'Success' | 'Requester'): Delivery | null =>
    answer(facts.id, status, endpoint, relayState, connection, now);
  const checked = checkOrTell(facts, expected, now);
  if (checked instanceof SamlRefusal) {
    return { kind: 'not_carried_out', refusal: checked, answer: answerWith('Requester') };
  }
  await confirm();
  const sessions = await endNamedSessions(checked, deps, now);
  return {
    kind: 'sessions_ended',
    sessions,
    requestId: checked.id,
    answer: answerWith('Success'),
  };
}

async function finishResponse(
  facts: LogoutResponseFacts,
  browser: string | null,
  { connection, memory }: SingleLogoutDeps,
): Promise<LogoutOutcome> {
  await takeOwnLogout(memory, connection.id, facts.inResponseTo, browser);
  const { statusCodes } = facts;
  // SAML Core §3.7.3.2: of a logout that is not complete, PartialLogout is the second code.
  const complete = statusCodes[0] === SUCCESS && !statusCodes.includes(PARTIAL);
  return { kind: 'answered', complete, statusCodes };
}

function checkOrTell(
  facts: LogoutRequestFacts,
  expected: LogoutExpectations,
  now: EpochMs,
): CheckedLogoutRequest | SamlRefusal {
  try {
    return checkLogoutRequest(facts, expected, now);
  } catch (error) {
    if (error instanceof SamlRefusal && TOLD.has(error.code)) return error;
    throw error;
  }
}

/** Commits the end of the sessions; how many there were. Throws `saml.logout_replayed`. */
async function endNamedSessions(
  checked: CheckedLogoutRequest,
  { connection, db }: SingleLogoutDeps,
  now: EpochMs,
): Promise<number> {
  const { id: requestId, ...named } = checked;
  const change = {
    kind: 'end_sessions_by_name' as const,
    connectionId: connection.id,
    requestId,
    reason: 'signed_out_at_idp',
    ...named,
  };
  const actor = { kind: 'logout_request' as const, connection: connection.id, requestId };
  const outcome = await inTransaction(db, (tx) => apply(tx, change, actor, now));
  if (outcome.kind === 'sessions_ended') return outcome.sessions;
  throw new SamlRefusal('saml.logout_replayed', {
    expected: 'a LogoutRequest that was not used before',
    received: requestId,
  });
}

/** By the binding on which it asked, where it takes answers there. */
function answerEndpoint(
  { logoutEndpoints }: IdentityProvider,
  binding: LogoutEndpoint['binding'],
): LogoutEndpoint | undefined {
  return logoutEndpoints.find((endpoint) => endpoint.binding === binding) ?? logoutEndpoints[0];
}

function answer(
  inResponseTo: string,
  status: 'Success' | 'Requester',
  endpoint: LogoutEndpoint | undefined,
  relayState: string | null,
  { sp, keys }: SamlConnection,
  now: EpochMs,
): Delivery | null {
  const [key] = keys.signing;
  if (endpoint === undefined || key === undefined) return null;
  const { binding, responseUrl: url } = endpoint;
  const response = { issuer: sp.entityId, destination: url, inResponseTo, status, now };
  const isShort = relayState !== null && Buffer.byteLength(relayState) <= MAX_RELAY_STATE;
  const message = writeLogoutResponse(response);
  return deliver('SAMLResponse', message, { binding, url }, key, isShort ? relayState : null);
}
