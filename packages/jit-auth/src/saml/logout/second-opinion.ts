import { isDeepStrictEqual } from 'node:util';
import { type Profile, SAML, ValidateInResponseTo } from '@node-saml/node-saml';
import { SamlRefusal } from '../refusal.ts';
import { type SecondSettings, strictSettings } from '../second-verifier.ts';
import { parseWithXmldom } from '../xmldom-element.ts';
import { type LogoutFacts, type LogoutRequestFacts, readLogoutMessage } from './logout-facts.ts';

/**
 * Reads the same text with xmldom: a second parser must have understood the same.
 * Throws `saml.verifiers_disagree`.
 */
export function requireSameReading(xml: string, first: LogoutFacts): void {
  try {
    const second = readLogoutMessage(parse(xml));
    if (isDeepStrictEqual(first, second)) return;
    throw new SamlRefusal('saml.verifiers_disagree', { expected: first.id, received: second.id });
  } catch (error) {
    throw disagreement(error, first);
  }
}

/** Whatever the second verifier finds wrong now, the first has not: that is their disagreement. */
function disagreement(error: unknown, first: LogoutFacts): unknown {
  if (!(error instanceof SamlRefusal)) return error;
  const { code, detail, cause } = error;
  const refused = code === 'saml.second_verifier_refused';
  const message = first.kind === 'request' ? { request: first.id } : { response: first.id };
  const told = { ...detail, ...(refused ? {} : { found: code }), ...message };
  return new SamlRefusal(refused ? code : 'saml.verifiers_disagree', told, cause);
}

function parse(xml: string): ReturnType<typeof parseWithXmldom> {
  try {
    return parseWithXmldom(xml);
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause);
    throw new SamlRefusal('saml.not_xml', { expected: 'well-formed XML', received }, cause);
  }
}

/**
 * Verifies a posted message with node-saml (xmldom, xml-crypto), and compares what it
 * made of it. Throws `saml.second_verifier_refused`, `saml.verifiers_disagree`.
 *
 * @param certificate of the key that the first verifier found to have signed, PEM.
 */
export async function verifyWithNodeSaml(
  xml: string,
  first: LogoutFacts,
  connection: SecondSettings,
  certificate: string,
): Promise<void> {
  try {
    await askNodeSaml(xml, first, connection, certificate);
  } catch (error) {
    throw disagreement(error, first);
  }
}

async function askNodeSaml(
  xml: string,
  first: LogoutFacts,
  connection: SecondSettings,
  certificate: string,
): Promise<void> {
  const saml = new SAML({
    ...strictSettings(connection),
    idpCert: certificate,
    wantAuthnResponseSigned: true,
    // The request that a response answers is taken once, by us.
    validateInResponseTo: ValidateInResponseTo.never,
  });
  const encoded = Buffer.from(xml, 'utf8').toString('base64');
  if (first.kind === 'response') {
    const answer = await asking(() => saml.validatePostResponseAsync({ SAMLResponse: encoded }));
    if (!answer.loggedOut) throw refused('a LogoutResponse', 'something else');
    return;
  }
  const { profile } = await asking(() => saml.validatePostRequestAsync({ SAMLRequest: encoded }));
  requireSameNames(first, profile);
}

/** Its profile keeps only the first SessionIndex; that all are equal, the second reading shows. */
function requireSameNames(first: LogoutRequestFacts, profile: Profile | null): void {
  const theirs = [profile?.ID, profile?.issuer, profile?.nameID, profile?.nameIDFormat];
  const { id, issuer, nameId } = first;
  const ours = [id, issuer?.value, nameId?.value, nameId?.format];
  for (const [index, value] of ours.entries()) {
    if ((theirs[index] ?? '') === (value ?? '')) continue;
    throw new SamlRefusal('saml.verifiers_disagree', { expected: value, received: theirs[index] });
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw refused('a message that node-saml accepts', String(cause), cause);
  }
}

function refused(expected: string, received: string, cause?: unknown): SamlRefusal {
  return new SamlRefusal('saml.second_verifier_refused', { expected, received }, cause);
}
