import { isSameBrowser, type PendingRequest, takePendingRequest } from './pending-request.ts';
import { SamlRefusal } from './refusal.ts';
import type { ReplayMemory } from './replay-memory.ts';
import type { ResponseFacts } from './response-facts.ts';
import { DEFAULT_RETURN, toReturnPath } from './return-to.ts';
import type { SamlConnection } from './saml-connection.ts';

/** What a response came in answer to. */
export interface AnsweredRequest {
  /** Null where nobody asked: the sign-in began at the identity provider. */
  readonly pending: PendingRequest | null;
  /** The local path to go to. */
  readonly returnTo: string;
}

/** What came with a response, and is under no signature. */
export interface Delivery {
  readonly relayState: string | null;
  /** Value of the cookie of the browser that posted it; null where none came. */
  readonly browser: string | null;
}

/**
 * Takes the request that a response answers: the one that its RelayState stands
 * for, made by this browser. A response that answers none (SAML Profiles §4.1.5) is
 * taken only where the connection says so, and only if InResponseTo stands nowhere
 * in it: what stands under the signature of the assertion decides, so that to strip
 * the response of its own InResponseTo makes no unsolicited one of it.
 * Throws `saml.request_unknown`, `saml.other_browser`, `saml.unsolicited_not_allowed`,
 * `saml.replay_memory_unavailable`.
 */
export async function takeAnsweredRequest(
  memory: ReplayMemory,
  connection: SamlConnection,
  facts: ResponseFacts,
  { relayState, browser }: Delivery,
): Promise<AnsweredRequest> {
  const unsolicited = isUnsolicited(facts);
  // Without a request there is nothing to say how fresh a forced sign-in has to be.
  if (unsolicited && connection.idpInitiated && !connection.forceAuthn) {
    return { pending: null, returnTo: toReturnPath(relayState) ?? DEFAULT_RETURN };
  }
  const pending = await takePendingRequest(memory, connection.id, relayState);
  if (pending === null) throw unsolicited ? notAllowed() : unknown(relayState);
  if (isSameBrowser(pending, browser)) return { pending, returnTo: pending.returnTo };
  throw new SamlRefusal('saml.other_browser', {
    expected: 'the cookie of the browser that asked',
    received: browser === null ? 'none' : 'another',
  });
}

function isUnsolicited({ envelope, assertion }: ResponseFacts): boolean {
  const named = [envelope, ...assertion.confirmations].map(({ inResponseTo }) => inResponseTo);
  return named.every((id) => id === null);
}

function unknown(relayState: string | null): SamlRefusal {
  return new SamlRefusal('saml.request_unknown', {
    expected: 'RelayState of a request that waits',
    received: relayState === null ? 'none' : 'unknown, used or expired',
  });
}

function notAllowed(): SamlRefusal {
  return new SamlRefusal('saml.unsolicited_not_allowed', {
    expected: 'an answer to a request of ours',
    received: 'a sign-in that began at the identity provider',
  });
}
