import { requireAgreement } from '@rollcall/jit-auth/saml/agreement';
import type { ResponseFacts } from '@rollcall/jit-auth/saml/response-facts';
import { expect, test } from 'vitest';

const facts: ResponseFacts = {
  envelope: {
    id: '_r',
    version: '2.0',
    issueInstant: '2026-01-01T00:00:00Z',
    destination: 'https://auth.example.com',
    inResponseTo: '_q',
    issuer: { value: 'idp', format: null },
    statusCodes: ['success'],
    statusMessage: null,
  },
  assertion: {
    id: '_a',
    version: '2.0',
    issueInstant: '2026-01-01T00:00:00Z',
    issuer: { value: 'idp', format: null },
    nameId: { value: 'mary', format: null, nameQualifier: null, spNameQualifier: null },
    confirmations: [
      { method: 'bearer', recipient: 'r', notBefore: null, notOnOrAfter: 't', inResponseTo: '_q' },
    ],
    conditions: { notBefore: null, notOnOrAfter: 't', audienceRestrictions: [['a']], unknown: [] },
    authnStatements: [
      { authnInstant: 't', sessionIndex: null, sessionNotOnOrAfter: null, contextClass: null },
    ],
    attributes: new Map([['groups', ['a', 'b']]]),
  },
  signed: { response: false, assertion: true },
};

type Assertion = ResponseFacts['assertion'];
const withAssertion = (changes: Partial<Assertion>): ResponseFacts => ({
  ...facts,
  assertion: { ...facts.assertion, ...changes },
});

test('the same facts agree', () => {
  expect(() => requireAgreement(facts, structuredClone(facts))).not.toThrow();
});

test('line ends are the one difference that is overlooked', () => {
  const mine = withAssertion({ attributes: new Map([['street', ['a\r\nb\rc']]]) });
  const theirs = withAssertion({ attributes: new Map([['street', ['a\nb\nc']]]) });
  expect(() => requireAgreement(mine, theirs)).not.toThrow();
});

test.each<[string, ResponseFacts]>([
  ['assertion id', withAssertion({ id: '_b' })],
  ['issuer', withAssertion({ issuer: { value: 'other', format: null } })],
  [
    'NameID',
    withAssertion({
      nameId: { value: 'Mary', format: null, nameQualifier: null, spNameQualifier: null },
    }),
  ],
  ['no NameID', withAssertion({ nameId: null })],
  [
    'NameID by a look-alike',
    withAssertion({
      nameId: { value: 'm\u0430ry', format: null, nameQualifier: null, spNameQualifier: null },
    }),
  ],
  ['no conditions', withAssertion({ conditions: null })],
  [
    'audience',
    withAssertion({
      conditions: {
        notBefore: null,
        notOnOrAfter: 't',
        audienceRestrictions: [['b']],
        unknown: [],
      },
    }),
  ],
  [
    'session',
    withAssertion({
      authnStatements: [
        { authnInstant: 't', sessionIndex: '1', sessionNotOnOrAfter: null, contextClass: null },
      ],
    }),
  ],
  [
    'an attribute more',
    withAssertion({
      attributes: new Map([
        ['groups', ['a', 'b']],
        ['x', []],
      ]),
    }),
  ],
  ['a value less', withAssertion({ attributes: new Map([['groups', ['a']]]) })],
  ['values in another order', withAssertion({ attributes: new Map([['groups', ['b', 'a']]]) })],
  ['a value with a blank', withAssertion({ attributes: new Map([['groups', ['a', 'b ']]]) })],
  ['destination', { ...facts, envelope: { ...facts.envelope, destination: null } }],
])('another %s is a disagreement', (_, other) => {
  for (const pair of [
    [facts, other],
    [other, facts],
  ] as const) {
    expect(() => requireAgreement(...pair)).toThrow(
      expect.objectContaining({ code: 'saml.verifiers_disagree' }),
    );
  }
});

test('an envelope is read twice where it is signed, and only there', () => {
  const unread = { ...facts, envelope: null };
  expect(() => requireAgreement(facts, unread)).not.toThrow();
  const signed = { ...facts, signed: { response: true, assertion: true } };
  expect(() => requireAgreement(signed, unread)).toThrow(
    expect.objectContaining({ code: 'saml.verifiers_disagree' }),
  );
  expect(() => requireAgreement(signed, facts)).not.toThrow();
});
