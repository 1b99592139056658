import { randomBytes } from 'node:crypto';
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import type { EpochMs } from '@rollcall/shared/core/time';
import { hashBrowser, rememberRequest } from './pending-request.ts';
import type { ReplayMemory } from './replay-memory.ts';
import { requestSigningKey } from './request-signing.ts';
import type { SamlConnection } from './saml-connection.ts';
import { strictSettings } from './second-verifier.ts';

/** Who wants to sign in, and where to. */
export interface SignInIntent {
  /** Value of the cookie that binds the request to this browser; `newSecret` makes one. */
  readonly browser: string;
  /** A local path that `toReturnPath` accepted. */
  readonly returnTo: string;
}

/** With what a request is made. */
export interface RequestDeps {
  readonly connection: SamlConnection;
  readonly memory: ReplayMemory;
  readonly now: EpochMs;
}

/** 160 bits: SAML Core §1.3.4 asks for at least 128, and for a letter first. */
const ID_BYTES = 20;

/**
 * Makes an AuthnRequest (SAML Core §3.4.1), remembers it for ten minutes and
 * returns the address to send the browser to (SAML Bindings §3.4, DEFLATE).
 * Signed by RSA-SHA256 over the query as it is sent (SAML Bindings §3.4.4.1), where
 * the connection has it so. Throws `saml.replay_memory_unavailable`,
 * `saml.signing_key_missing`.
 */
export async function startSignIn(
  intent: SignInIntent,
  { connection, memory, now }: RequestDeps,
): Promise<string> {
  const signer = requestSigningKey(connection);
  const requestId = `_${randomBytes(ID_BYTES).toString('hex')}`;
  const relayState = await rememberRequest(memory, {
    requestId,
    connectionId: connection.id,
    browserHash: hashBrowser(intent.browser),
    returnTo: intent.returnTo,
    createdAt: now,
  });
  const saml = new SAML({
    ...strictSettings(connection),
    // We remember requests ourselves; node-saml has nothing to save.
    validateInResponseTo: ValidateInResponseTo.never,
    generateUniqueId: () => requestId,
    ...(signer === null ? {} : { privateKey: signer.privateKeyPem }),
  });
  return saml.getAuthorizeUrlAsync(relayState, undefined, {});
}
