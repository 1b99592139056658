import { deflateRawSync } from 'node:zlib';
import {
  AuthnRequestError,
  decodePost,
  decodeRedirect,
  MAX_REQUEST_BYTES,
  parseAuthnRequest,
} from '@rollcall/demo-idp/authn-request';
import { ServiceProviders } from '@rollcall/demo-idp/service-providers';
import { describe, expect, it } from 'vitest';

const SSO = 'https://idp.example/sso';
const ACS = 'https://sp.example/acs';
const providers = new ServiceProviders();
providers.register({ entityId: 'urn:sp', acsUrl: ACS, name: 'App' });

function request(attributes: string, content = '<saml:Issuer>urn:sp</saml:Issuer>'): string {
  return `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ${attributes}>${content}</samlp:AuthnRequest>`;
}

const parse = (xml: string) => parseAuthnRequest(xml, providers, SSO);
const policy = (format: string) =>
  `<saml:Issuer> urn:sp </saml:Issuer><samlp:NameIDPolicy Format="${format}"/>`;

describe('parseAuthnRequest', () => {
  it('reads a request from a registered application', () => {
    const read = parse(
      request(`ID="_1" Version="2.0" Destination="${SSO}" AssertionConsumerServiceURL="${ACS}"`),
    );
    expect(read).toMatchObject({ id: '_1', provider: { entityId: 'urn:sp' }, isPassive: false });
  });

  it('needs neither a Destination nor an ACS URL, and reads formats', () => {
    const email = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
    expect(parse(request('ID="_1" Version="2.0"', policy(email))).nameIdFormat).toBe(email);
    const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';
    expect(parse(request('ID="_1" Version="2.0"', policy(unspecified))).nameIdFormat).toBe(
      'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    );
    expect(parse(request('ID="_1" Version="2.0" IsPassive="true"')).isPassive).toBe(true);
  });

  it.each([
    [
      'an unknown application',
      request('ID="_1" Version="2.0"', '<saml:Issuer>urn:x</saml:Issuer>'),
      'urn:x',
    ],
    ['no issuer', request('ID="_1" Version="2.0"', ''), 'registered'],
    [
      'a foreign ACS URL',
      request('ID="_1" Version="2.0" AssertionConsumerServiceURL="https://evil.example/"'),
      ACS,
    ],
    [
      'an ACS URL that only begins right',
      request(`ID="_1" Version="2.0" AssertionConsumerServiceURL="${ACS}/x"`),
      ACS,
    ],
    [
      'another destination',
      request('ID="_1" Version="2.0" Destination="https://other.example/sso"'),
      'Destination',
    ],
    ['another version', request('ID="_1" Version="1.1"'), 'Version'],
    ['no id', request('Version="2.0"'), 'ID'],
    ['an id with markup', request('ID="_&lt;b>" Version="2.0"'), 'ID'],
    [
      'a transient name id',
      request(
        'ID="_1" Version="2.0"',
        policy('urn:oasis:names:tc:SAML:2.0:nameid-format:transient'),
      ),
      'NameIDPolicy',
    ],
    [
      'a document type',
      `<!DOCTYPE x [<!ENTITY a "b">]>${request('ID="_1" Version="2.0"')}`,
      'document type',
    ],
    ['XML that breaks off', request('ID="_1" Version="2.0"').slice(0, -5), 'well-formed'],
    [
      'another message',
      '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>',
      'AuthnRequest',
    ],
    ['nothing', '', 'XML'],
    ['a text', 'hello', 'AuthnRequest'],
  ])('refuses %s', (_name, xml, reason) => {
    expect(() => parse(xml)).toThrow(AuthnRequestError);
    expect(() => parse(xml)).toThrow(reason);
  });
});

describe('decoding', () => {
  it('undoes both bindings', () => {
    expect(decodeRedirect(deflateRawSync('<é/>').toString('base64'))).toBe('<é/>');
    expect(decodePost(Buffer.from('<é/>').toString('base64'))).toBe('<é/>');
  });

  it('stops inflating at the limit', () => {
    const exact = deflateRawSync('x'.repeat(MAX_REQUEST_BYTES)).toString('base64');
    expect(decodeRedirect(exact)).toHaveLength(MAX_REQUEST_BYTES);
    const bomb = deflateRawSync('x'.repeat(50_000_000)).toString('base64');
    expect(() => decodeRedirect(bomb)).toThrow(AuthnRequestError);
    const long = Buffer.alloc(MAX_REQUEST_BYTES + 1, 'x').toString('base64');
    expect(() => decodePost(long)).toThrow(AuthnRequestError);
  });

  it.each(['', '%%%', '<xml/>', '===='])('refuses %j as base64', (parameter) => {
    expect(() => decodeRedirect(parameter)).toThrow(AuthnRequestError);
    expect(() => decodePost(parameter)).toThrow(AuthnRequestError);
  });
});
