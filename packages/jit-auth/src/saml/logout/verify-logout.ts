import { allowAlgorithms } from '../algorithms.ts';
import { parseWithLibxml } from '../libxml-element.ts';
import { checkLogoutText, type PostedForm } from '../raw-response.ts';
import { SamlRefusal } from '../refusal.ts';
import type { SamlConnection } from '../saml-connection.ts';
import { signingKeysOf } from '../signing-keys.ts';
import { requireWellFormed } from '../well-formed.ts';
import { type LogoutFacts, readLogoutMessage } from './logout-facts.ts';
import { readPostedMessage, verifyPostedMessage } from './posted-message.ts';
import { type MessageName, type QueryTerms, verifyRedirectQuery } from './redirect-query.ts';
import { requireSameReading, verifyWithNodeSaml } from './second-opinion.ts';

/** A message as a browser, or the identity provider itself, brought it. */
export type ReceivedLogout =
  | { readonly binding: 'redirect'; readonly query: string }
  | { readonly binding: 'post'; readonly form: PostedForm };

/** What a message says that one of the pinned keys of the connection has signed. */
export interface VerifiedLogout {
  readonly facts: LogoutFacts;
  readonly relayState: string | null;
  /**
   * Has the second verifier look at a posted message, too: to be called once what it says
   * has been checked, and before anything is done. Throws a {@link SamlRefusal}.
   */
  confirm(): Promise<void>;
}

/**
 * Verifies a logout message of either binding: its signature, and that two parsers read
 * the same in it. What it says has still to be checked. Throws a {@link SamlRefusal}.
 */
export function verifyLogout(received: ReceivedLogout, connection: SamlConnection): VerifiedLogout {
  const terms = {
    signingKeys: signingKeysOf(connection.idp),
    allowed: allowAlgorithms(connection.weakAlgorithms),
  };
  if (received.binding === 'redirect') return verifyRedirect(received.query, terms);
  const { name, xml, relayState } = readPostedMessage(received.form, terms.allowed);
  const { facts, signedBy } = verifyPostedMessage(xml, terms);
  requireNamed(facts, name);
  requireSameReading(xml, facts);
  const { keys: _, ...settings } = connection;
  const confirm = () => verifyWithNodeSaml(xml, facts, settings, signedBy);
  return { facts, relayState, confirm };
}

function verifyRedirect(query: string, terms: QueryTerms): VerifiedLogout {
  const { name, xml, relayState } = verifyRedirectQuery(query, terms);
  // SAML Bindings §3.4.4.1: the signature is in the query, none is in the message.
  checkLogoutText(xml, terms.allowed, 0);
  const facts = requireWellFormed(() => readLogoutMessage(parseWithLibxml(xml)));
  requireNamed(facts, name);
  requireSameReading(xml, facts);
  return { facts, relayState, confirm: async () => undefined };
}

/** A request in the place of a response would be checked as the one and carried out as the other. */
function requireNamed(facts: LogoutFacts, name: MessageName): void {
  const expected = facts.kind === 'request' ? 'SAMLRequest' : 'SAMLResponse';
  if (name === expected) return;
  throw new SamlRefusal('saml.logout_query_malformed', { expected, received: name });
}
