import type { ConnectionId } from '@rollcall/shared/core/ids';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import * as z from 'zod';
import { hashBrowser, isSameBrowser } from '../pending-request.ts';
import { SamlRefusal } from '../refusal.ts';
import type { ReplayMemory } from '../replay-memory.ts';

/** How long an identity provider may take to answer, in milliseconds. */
const PENDING_LOGOUT_MS = 10 * 60_000;

const stored = z.strictObject({ browserHash: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * Remembers a LogoutRequest of ours until it is answered. It is found by its ID, which the
 * answer must name: not every identity provider sends RelayState back.
 * Throws `saml.replay_memory_unavailable`.
 */
export async function rememberOwnLogout(
  memory: ReplayMemory,
  connectionId: ConnectionId,
  requestId: string,
  browser: string,
  now: EpochMs,
): Promise<void> {
  const value = JSON.stringify({ browserHash: hashBrowser(browser) });
  await memory.put(spaceOf(connectionId), requestId, value, after(now, PENDING_LOGOUT_MS));
}

/**
 * Takes the LogoutRequest that a response answers: once, for its connection and its
 * browser. Throws `saml.logout_request_unknown`, `saml.other_browser`.
 */
export async function takeOwnLogout(
  memory: ReplayMemory,
  connectionId: ConnectionId,
  requestId: string | null,
  browser: string | null,
): Promise<void> {
  const value = requestId === null ? null : await memory.take(spaceOf(connectionId), requestId);
  if (value === null) {
    throw new SamlRefusal('saml.logout_request_unknown', {
      expected: 'InResponseTo of a request that waits',
      received: requestId,
    });
  }
  if (isSameBrowser(stored.parse(JSON.parse(value)), browser)) return;
  throw new SamlRefusal('saml.other_browser', {
    expected: 'the cookie of the browser that asked',
    received: browser === null ? 'none' : 'another',
  });
}

function spaceOf(connectionId: ConnectionId): string {
  return `saml-logout:${connectionId}`;
}
