import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import {
  type ResponseText,
  writeConfirmation,
  writeResponse,
} from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OTHER = 'https://evil.example.com/saml';
const restriction = (...audiences: string[]) =>
  `<saml:AudienceRestriction>${audiences.map((one) => `<saml:Audience>${one}</saml:Audience>`).join('')}</saml:AudienceRestriction>`;
const STATEMENT = `<saml:AuthnStatement AuthnInstant="2020-01-01T00:00:00Z"/>`;

type Change = (good: ResponseText) => Partial<ResponseText>;
type Row = readonly [what: string, code: string, change: Change];

// Validly signed, and wrong in one respect.
const rows: readonly Row[] = [
  ['version of the response', 'saml.version_mismatch', () => ({ responseVersion: '1.1' })],
  ['version of the assertion', 'saml.version_mismatch', () => ({ assertionVersion: '2.1' })],
  [
    'status',
    'saml.status_not_success',
    () => ({ status: 'urn:oasis:names:tc:SAML:2.0:status:Requester' }),
  ],
  [
    'status that only ends like success',
    'saml.status_not_success',
    () => ({ status: 'urn:evil:Success' }),
  ],
  ['issuer of the response', 'saml.issuer_mismatch', () => ({ responseIssuer: OTHER })],
  ['issuer of the assertion', 'saml.issuer_mismatch', () => ({ assertionIssuer: OTHER })],
  [
    'issuer with a blank',
    'saml.issuer_mismatch',
    ({ entityId }) => ({ assertionIssuer: `${entityId} ` }),
  ],
  [
    'issuer in another case',
    'saml.issuer_mismatch',
    ({ entityId }) => ({ assertionIssuer: entityId.toUpperCase() }),
  ],
  [
    'format of the issuer',
    'saml.issuer_mismatch',
    () => ({ responseIssuerFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent' }),
  ],
  ['destination', 'saml.destination_mismatch', () => ({ destination: OTHER })],
  ['empty destination', 'saml.destination_mismatch', () => ({ destination: '' })],
  [
    'destination that goes on',
    'saml.destination_mismatch',
    ({ acsUrl }) => ({ destination: `${acsUrl}/x` }),
  ],
  [
    'response of the future',
    'saml.issued_in_future',
    ({ now }) => ({ responseIssueInstant: now + 2 * MINUTE }),
  ],
  ['old response', 'saml.too_old', ({ now }) => ({ responseIssueInstant: now - 12 * MINUTE })],
  [
    'assertion of the future',
    'saml.issued_in_future',
    ({ now }) => ({ assertionIssueInstant: now + 2 * MINUTE }),
  ],
  ['old assertion', 'saml.too_old', ({ now }) => ({ assertionIssueInstant: now - 12 * MINUTE })],
  [
    'instant without zone',
    'saml.bad_instant',
    () => ({ assertionIssueInstant: '2026-01-01T00:00:00' }),
  ],
  ['instant in words', 'saml.bad_instant', () => ({ notOnOrAfter: 'tomorrow' })],
  ['no subject', 'saml.subject_not_confirmed', () => ({ subjectXml: null })],
  ['no NameID', 'saml.name_id_missing', () => ({ nameId: null })],
  ['empty NameID', 'saml.name_id_missing', () => ({ nameId: '' })],
  [
    'no confirmation',
    'saml.subject_not_confirmed',
    () => ({ subjectXml: '<saml:Subject><saml:NameID>x</saml:NameID></saml:Subject>' }),
  ],
  [
    'holder of key',
    'saml.subject_not_confirmed',
    () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:holder-of-key' }),
  ],
  [
    'sender vouches',
    'saml.subject_not_confirmed',
    () => ({ method: 'urn:oasis:names:tc:SAML:2.0:cm:sender-vouches' }),
  ],
  [
    'two confirmations',
    'saml.subject_not_confirmed',
    (good) => ({ moreConfirmationsXml: writeConfirmation(good) }),
  ],
  ['recipient', 'saml.recipient_mismatch', () => ({ recipient: OTHER })],
  ['no recipient', 'saml.recipient_mismatch', () => ({ recipient: null })],
  [
    'NotBefore for a bearer',
    'saml.confirmation_not_before',
    ({ now }) => ({ confirmationNotBefore: now - MINUTE }),
  ],
  [
    'expired confirmation',
    'saml.confirmation_expired',
    ({ now }) => ({ confirmationNotOnOrAfter: now - 2 * MINUTE }),
  ],
  [
    'confirmation without end',
    'saml.confirmation_expired',
    () => ({ confirmationNotOnOrAfter: null }),
  ],
  [
    'confirmation for a day',
    'saml.window_too_long',
    ({ now }) => ({ confirmationNotOnOrAfter: now + 24 * HOUR }),
  ],
  ['no conditions', 'saml.conditions_missing', () => ({ conditions: null })],
  ['conditions of tomorrow', 'saml.not_yet_valid', ({ now }) => ({ notBefore: now + 2 * MINUTE })],
  ['expired conditions', 'saml.expired', ({ now }) => ({ notOnOrAfter: now - 2 * MINUTE })],
  ['conditions without end', 'saml.expired', () => ({ notOnOrAfter: null })],
  [
    'conditions for three hours',
    'saml.window_too_long',
    ({ now }) => ({ notOnOrAfter: now + 3 * HOUR }),
  ],
  [
    'unknown condition',
    'saml.condition_unknown',
    () => ({ moreConditionsXml: '<x:Weather xmlns:x="urn:x">sunny</x:Weather>' }),
  ],
  [
    'abstract condition',
    'saml.condition_unknown',
    () => ({ moreConditionsXml: '<saml:Condition/>' }),
  ],
  ['audience', 'saml.audience_mismatch', () => ({ audience: OTHER })],
  ['no audience restriction', 'saml.audience_mismatch', () => ({ audienceXml: '' })],
  ['empty audience restriction', 'saml.audience_mismatch', () => ({ audienceXml: restriction() })],
  [
    'a second restriction without us',
    'saml.audience_mismatch',
    ({ audience }) => ({ audienceXml: restriction(audience) + restriction(OTHER) }),
  ],
  [
    'audience with a blank',
    'saml.audience_mismatch',
    ({ audience }) => ({ audience: ` ${audience}` }),
  ],
  ['no authentication', 'saml.not_one_authn_statement', () => ({ authnStatementXml: '' })],
  [
    'two authentications',
    'saml.not_one_authn_statement',
    () => ({ authnStatementXml: STATEMENT + STATEMENT }),
  ],
  [
    'authentication of the future',
    'saml.authn_in_future',
    ({ now }) => ({ authnInstant: now + 2 * MINUTE }),
  ],
  [
    'session that has ended',
    'saml.session_expired',
    ({ now }) => ({ sessionNotOnOrAfter: now - 1000 }),
  ],
  [
    'two Issuers',
    'saml.malformed',
    ({ entityId }) => ({ moreAssertionXml: `<saml:Issuer>${entityId}</saml:Issuer>` }),
  ],
  [
    'two Subjects',
    'saml.malformed',
    () => ({ moreAssertionXml: '<saml:Subject><saml:NameID>admin</saml:NameID></saml:Subject>' }),
  ],
  ['two Conditions', 'saml.malformed', () => ({ moreAssertionXml: '<saml:Conditions/>' })],
  [
    'an element that nobody knows',
    'saml.malformed',
    () => ({ moreAssertionXml: '<x xmlns="urn:x"/>' }),
  ],
  [
    'elements inside NameID',
    'saml.malformed',
    () => ({ subjectXml: '<saml:Subject><saml:NameID>a<b>c</b></saml:NameID></saml:Subject>' }),
  ],
];

describe.each(['assertion', 'response', 'both'] as const)('signed: %s', (signed) => {
  test.each(rows)('%s: %s', async (_, code, change) => {
    const browser = await sendBrowser(testConnection(testIdp(key), { signed }), mapReplayMemory());
    const text = writeResponse({ ...browser.answer, ...change(browser.answer) });
    const xml = signXml(text, signed, { key });
    await expect(postResponse(browser, xml)).rejects.toMatchObject({
      code,
      detail: { expected: expect.anything() },
    });
  });
});

test.each([
  ['assertion', { assertionId: "x' or '1'='1" }],
  ['response', { responseId: "x' or '1'='1" }],
] as const)('an ID that is no name, %s-signed', async (signed, changes) => {
  const browser = await sendBrowser(testConnection(testIdp(key), { signed }), mapReplayMemory());
  const xml = signXml(writeResponse({ ...browser.answer, ...changes }), signed, { key });
  const code = 'saml.reference_mismatch';
  await expect(postResponse(browser, xml)).rejects.toMatchObject({ code });
});

describe('what may be left out', () => {
  test.each([
    ['Destination of a response that is not signed', { destination: null }],
    ['Issuer of a response that is not signed', { responseIssuer: null }],
    ['NotBefore', { notBefore: null }],
    ['SessionNotOnOrAfter', { sessionNotOnOrAfter: null }],
    ['SessionIndex', { sessionIndex: null }],
    ['Format', { nameIdFormat: null }],
  ])('%s', async (_, changes) => {
    const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
    const xml = signXml(writeResponse({ ...browser.answer, ...changes }), 'assertion', { key });
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.nameId.value).toBe('00u1mary');
  });

  test('Destination not where the response is signed', async () => {
    const connection = testConnection(testIdp(key), { signed: 'response' });
    const browser = await sendBrowser(connection, mapReplayMemory());
    const text = writeResponse({ ...browser.answer, destination: null });
    const code = 'saml.destination_mismatch';
    await expect(postResponse(browser, signXml(text, 'response', { key }))).rejects.toMatchObject({
      code,
    });
  });
});

test('ForceAuthn: a sign-in older than the request is refused, a later one taken', async () => {
  const connection = testConnection(testIdp(key), { forceAuthn: true });
  for (const [before, code] of [
    [5 * MINUTE, 'saml.authn_too_old'],
    [0, null],
  ] as const) {
    const browser = await sendBrowser(connection, mapReplayMemory());
    const authnInstant = browser.now - before;
    const xml = signXml(writeResponse({ ...browser.answer, authnInstant }), 'assertion', { key });
    const answer = postResponse(browser, xml);
    if (code === null) expect((await answer).assertion.authnInstant).toBe(authnInstant);
    else await expect(answer).rejects.toMatchObject({ code });
  }
});

test('without ForceAuthn the session at the provider may be old', async () => {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const authnInstant = browser.now - 7 * HOUR;
  const xml = signXml(writeResponse({ ...browser.answer, authnInstant }), 'assertion', { key });
  expect((await postResponse(browser, xml)).assertion.authnInstant).toBe(authnInstant);
});

test.each([
  ['Entra', -5 * MINUTE, 70 * MINUTE],
  ['AD FS', 0, 60 * MINUTE],
  ['Okta', -5 * MINUTE, 5 * MINUTE],
])('the window of %s is taken', async (_, notBefore, notOnOrAfter) => {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const text = writeResponse({
    ...browser.answer,
    notBefore: browser.now + notBefore,
    notOnOrAfter: browser.now + notOnOrAfter,
    confirmationNotOnOrAfter: browser.now + notOnOrAfter,
  });
  const { assertion } = await postResponse(browser, signXml(text, 'assertion', { key }));
  expect(assertion.nameId.value).toBe('00u1mary');
});
