import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { AppError } from '@rollcall/shared/core/errors';
import { type ConnectionId, toConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import * as z from 'zod';
import type { ReplayMemory } from './replay-memory.ts';

/** What is remembered of an AuthnRequest until its response comes. */
export interface PendingRequest {
  /** ID of the AuthnRequest; the response must name it as InResponseTo. */
  readonly requestId: string;
  readonly connectionId: ConnectionId;
  /** sha-256 of the cookie of the browser that asked, hexadecimal. */
  readonly browserHash: string;
  /** Where the person wanted to go: a local path that `toReturnPath` accepted. */
  readonly returnTo: string;
  readonly createdAt: EpochMs;
}

/** How long a person has to sign in at the identity provider, in milliseconds. */
export const PENDING_REQUEST_MS = 10 * 60_000;

const SECRET_BYTES = 32;
/** What {@link newSecret} makes. SAML Bindings §3.4.3 allows RelayState 80 bytes; this is 43. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;

const stored = z.strictObject({
  requestId: z.string().min(1),
  connectionId: z.string().transform(toConnectionId),
  browserHash: z.string().regex(/^[0-9a-f]{64}$/),
  returnTo: z.string().startsWith('/'),
  createdAt: z.int().transform(toEpochMs),
});

/** A value that nobody can guess: for the browser's cookie, and for RelayState. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** How the cookie of a browser is remembered: the memory never holds the cookie itself. */
export function hashBrowser(cookie: string): string {
  return createHash('sha256').update(cookie, 'utf8').digest('hex');
}

/** Whether the browser with this cookie is the one that asked. */
export function isSameBrowser(
  pending: Pick<PendingRequest, 'browserHash'>,
  cookie: string | null,
): boolean {
  if (cookie === null || cookie === '') return false;
  return timingSafeEqual(Buffer.from(hashBrowser(cookie)), Buffer.from(pending.browserHash));
}

/**
 * Remembers a request for ten minutes under an opaque RelayState, which it
 * returns. The target of the sign-in stays here: RelayState says nothing.
 * Throws `saml.replay_memory_unavailable`.
 */
export async function rememberRequest(
  memory: ReplayMemory,
  pending: PendingRequest,
): Promise<string> {
  const relayState = newSecret();
  const expiresAt = after(pending.createdAt, PENDING_REQUEST_MS);
  const kept = await memory.put(
    spaceOf(pending.connectionId),
    relayState,
    JSON.stringify(pending),
    expiresAt,
  );
  if (kept) return relayState;
  throw new AppError('saml.request_not_kept', 'The sign-in could not be started.', {
    detail: { expected: 'a new request', received: 'a key in use, or a clock far off' },
  });
}

/**
 * Takes the request that a RelayState stands for: at most once, and only for the
 * connection that it was made for. Null when there is none.
 */
export async function takePendingRequest(
  memory: ReplayMemory,
  connectionId: ConnectionId,
  relayState: string | null,
): Promise<PendingRequest | null> {
  if (relayState === null || !SECRET.test(relayState)) return null;
  const value = await memory.take(spaceOf(connectionId), relayState);
  if (value === null) return null;
  const pending = stored.parse(JSON.parse(value));
  return pending.connectionId === connectionId ? pending : null;
}

function spaceOf(connectionId: ConnectionId): string {
  return `saml-request:${connectionId}`;
}
