import { buildResponse, type ResponseInput, signXml } from '@rollcall/demo-idp/response';
import { createSigningKey } from '@rollcall/demo-idp/signing-key';
import { DOMParser } from '@xmldom/xmldom';
import { beforeAll, describe, expect, it } from 'vitest';
import { SignedXml } from 'xml-crypto';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const ACS = 'https://sp.example/acs?a=1&b=2';

const usual: ResponseInput = {
  now: NOW,
  issuer: 'https://idp.example/metadata',
  acsUrl: ACS,
  audience: 'urn:sp',
  nameId: 'p_1',
  inResponseTo: '_request',
  attributes: { uid: 'p_1', groups: ['A', 'B'] },
};

let key: { key: string; certificate: string };
beforeAll(async () => {
  key = await createSigningKey(NOW);
});

function parse(xml: string): Document {
  return new DOMParser().parseFromString(xml, 'text/xml');
}

function one(xml: string, name: string): Element {
  const found = parse(xml).getElementsByTagName(name);
  expect(found.length, `number of ${name}`).toBe(1);
  return found[0] as Element;
}

/** Names of the elements whose signature over the document is good. */
function signedElements(xml: string, certificate: string): string[] {
  const signatures = Array.from(parse(xml).getElementsByTagName('ds:Signature'));
  return signatures.map((signature) => {
    const verifier = new SignedXml({ publicCert: certificate, getCertFromKeyInfo: () => null });
    verifier.loadSignature(signature);
    expect(verifier.checkSignature(xml)).toBe(true);
    return parse(verifier.getSignedReferences()[0] ?? '').documentElement.nodeName;
  });
}

describe('buildResponse', () => {
  it('says what a correct IdP says when nothing is overridden', () => {
    const xml = buildResponse(usual);
    const response = one(xml, 'samlp:Response');
    expect(response.getAttribute('Destination')).toBe(ACS);
    expect(response.getAttribute('InResponseTo')).toBe('_request');
    expect(response.getAttribute('IssueInstant')).toBe('2026-01-02T03:04:05.000Z');
    const data = one(xml, 'saml:SubjectConfirmationData');
    expect(data.getAttribute('Recipient')).toBe(ACS);
    expect(data.getAttribute('InResponseTo')).toBe('_request');
    expect(data.getAttribute('NotOnOrAfter')).toBe('2026-01-02T03:09:05.000Z');
    expect(data.hasAttribute('NotBefore')).toBe(false);
    const conditions = one(xml, 'saml:Conditions');
    expect(conditions.getAttribute('NotBefore')).toBe('2026-01-02T03:03:05.000Z');
    expect(one(xml, 'saml:Audience').textContent).toBe('urn:sp');
    expect(one(xml, 'saml:AuthnStatement').getAttribute('SessionNotOnOrAfter')).toBe(
      '2026-01-02T11:04:05.000Z',
    );
    const assertion = one(xml, 'saml:Assertion');
    expect(Array.from(assertion.childNodes).map((node) => node.nodeName)).toEqual([
      'saml:Issuer',
      'saml:Subject',
      'saml:Conditions',
      'saml:AuthnStatement',
      'saml:AttributeStatement',
    ]);
  });

  it('gives every document new ids', () => {
    const ids = [buildResponse(usual), buildResponse(usual)].flatMap((xml) => [
      one(xml, 'samlp:Response').getAttribute('ID'),
      one(xml, 'saml:Assertion').getAttribute('ID'),
    ]);
    expect(new Set(ids).size).toBe(4);
  });

  it.each<[string, Partial<ResponseInput>, RegExp]>([
    ['response id', { responseId: null }, /<samlp:Response[^>]* ID=/],
    ['response version', { responseVersion: null }, /<samlp:Response[^>]* Version=/],
    ['destination', { destination: null }, / Destination=/],
    ['status', { status: null }, /<samlp:Status/],
    ['assertion', { assertion: false }, /<saml:Assertion/],
    ['assertion id', { assertionId: null }, /<saml:Assertion[^>]* ID=/],
    ['issue instant', { assertionIssueInstant: null }, /<saml:Assertion[^>]* IssueInstant=/],
    ['issuers', { assertionIssuer: null, responseIssuer: null }, /<saml:Issuer/],
    ['subject', { subject: false }, /<saml:Subject/],
    ['name id', { nameId: null }, /<saml:NameID/],
    ['name id format', { nameIdFormat: null }, / Format=/],
    ['confirmation', { method: null }, /<saml:SubjectConfirmation/],
    ['recipient', { recipient: null }, / Recipient=/],
    [
      'confirmation end',
      { confirmationNotOnOrAfter: null, notOnOrAfter: null },
      /" NotOnOrAfter=|Data NotOnOrAfter/,
    ],
    ['in response to', { inResponseTo: null }, / InResponseTo=/],
    ['conditions', { conditions: false }, /<saml:Conditions/],
    ['not before', { notBefore: null }, / NotBefore=/],
    ['audience', { audience: null }, /<saml:Audience/],
    ['authn statement', { authnStatement: false }, /<saml:AuthnStatement/],
    ['session index', { sessionIndex: null }, / SessionIndex=/],
    ['session end', { sessionNotOnOrAfter: null }, / SessionNotOnOrAfter=/],
    ['attributes', { attributes: null }, /<saml:Attribute/],
  ])('leaves out %s when asked to', (_name, override, pattern) => {
    expect(buildResponse(usual)).toMatch(pattern);
    expect(buildResponse({ ...usual, ...override })).not.toMatch(pattern);
  });

  it('writes InResponseTo differently on the response and on the confirmation', () => {
    const xml = buildResponse({
      ...usual,
      responseInResponseTo: '_a',
      confirmationInResponseTo: '_b',
    });
    expect(one(xml, 'samlp:Response').getAttribute('InResponseTo')).toBe('_a');
    expect(one(xml, 'saml:SubjectConfirmationData').getAttribute('InResponseTo')).toBe('_b');
  });

  it('escapes texts and leaves raw markup alone', () => {
    const hostile = `<&>"'\u0000\t\r\n]]>`;
    const escaped = buildResponse({
      ...usual,
      nameId: hostile,
      attributes: { [hostile]: hostile },
    });
    const asRead = hostile.replace('\u0000', '\ufffd');
    expect(one(escaped, 'saml:NameID').textContent).toBe(asRead);
    expect(one(escaped, 'saml:Attribute').getAttribute('Name')).toBe(asRead);
    const raw = buildResponse({ ...usual, nameId: { xml: 'admin<!--x-->.evil' } });
    expect(raw).toContain('admin<!--x-->.evil</saml:NameID>');
  });
});

describe('signXml', () => {
  it.each([
    ['assertion', ['saml:Assertion']],
    ['response', ['samlp:Response']],
    ['both', ['samlp:Response', 'saml:Assertion']],
  ] as const)('signs %s', (sign, expected) => {
    const xml = signXml(buildResponse(usual), { sign, ...key });
    expect(signedElements(xml, key.certificate)).toEqual(expected);
    for (const signature of Array.from(parse(xml).getElementsByTagName('ds:Signature'))) {
      expect(signature.previousSibling?.nodeName).toBe('saml:Issuer');
    }
    expect(xml).toContain('xmldsig-more#rsa-sha256');
    expect(xml).toContain('xmlenc#sha256');
    expect(xml).toContain('<ds:X509Certificate>');
  });

  it('makes a signature that any change breaks', () => {
    const xml = signXml(buildResponse(usual), { sign: 'assertion', ...key });
    const changed = xml.replace('>p_1</saml:NameID>', '>p_2</saml:NameID>');
    const verifier = new SignedXml({ publicCert: key.certificate, getCertFromKeyInfo: () => null });
    verifier.loadSignature(parse(changed).getElementsByTagName('ds:Signature')[0] as Element);
    let accepted: boolean;
    try {
      accepted = verifier.checkSignature(changed);
    } catch {
      accepted = false;
    }
    expect(accepted).toBe(false);
  });

  it('signs with other algorithms and without KeyInfo', () => {
    const xml = signXml(buildResponse(usual), {
      sign: 'assertion',
      key: key.key,
      certificate: null,
      signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
      digestAlgorithm: 'http://www.w3.org/2000/09/xmldsig#sha1',
    });
    expect(xml).toContain('xmldsig#rsa-sha1');
    expect(xml).not.toContain('KeyInfo');
    expect(signedElements(xml, key.certificate)).toEqual(['saml:Assertion']);
  });

  it('signs an assertion without an Issuer, and only the first of two', () => {
    const two = buildResponse({
      ...usual,
      assertionIssuer: null,
      extraResponseXml: '<saml:Assertion ID="_evil"><saml:Subject/></saml:Assertion>',
    });
    const xml = signXml(two, { sign: 'assertion', ...key });
    expect(signedElements(xml, key.certificate)).toEqual(['saml:Assertion']);
    expect(xml).toMatch(/<saml:Assertion ID="_evil"><saml:Subject\/>/);
  });

  it('says so when there is nothing to sign', () => {
    const empty = buildResponse({ ...usual, assertion: false });
    expect(() => signXml(empty, { sign: 'assertion', ...key })).toThrow(
      expect.objectContaining({ code: 'demo_idp.nothing_to_sign' }),
    );
  });
});
