import { describe, expect, test } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();

describe('the class of authentication', () => {
  const classes = (name: string) => `urn:oasis:names:tc:SAML:2.0:ac:classes:${name}`;
  const authnContext = [classes('TimeSyncToken'), classes('Password')];
  const statement = (now: number, inside: string) =>
    `<saml:AuthnStatement AuthnInstant="${new Date(now).toISOString()}">${inside}</saml:AuthnStatement>`;
  const context = (...refs: string[]) =>
    `<saml:AuthnContext>${refs.map((ref) => `<saml:AuthnContextClassRef>${ref}</saml:AuthnContextClassRef>`).join('')}</saml:AuthnContext>`;

  test.each([
    ['one that was asked for', context(classes('Password')), null],
    ['another one that was asked for', context(classes('TimeSyncToken')), null],
    ['one with blanks around it', context(`\n  ${classes('Password')}\n`), null],
    ['another', context(classes('PasswordProtectedTransport')), 'saml.authn_context_mismatch'],
    ['one that only begins so', context(classes('Passwords')), 'saml.authn_context_mismatch'],
    ['none', '<saml:AuthnContext/>', 'saml.authn_context_mismatch'],
    ['no context', '', 'saml.authn_context_mismatch'],
    ['two', context(classes('Password'), classes('X')), 'saml.malformed'],
    ['two contexts', context(classes('Password')) + context(classes('X')), 'saml.malformed'],
  ])('%s', async (_, inside, code) => {
    const connection = testConnection(testIdp(key), { authnContext });
    const browser = await sendBrowser(connection, mapReplayMemory());
    const authnStatementXml = statement(browser.now, inside);
    const text = writeResponse({ ...browser.answer, authnStatementXml });
    const answer = postResponse(browser, signXml(text, 'assertion', { key }));
    if (code === null) expect((await answer).assertion.nameId.value).toBe('00u1mary');
    else await expect(answer).rejects.toMatchObject({ code });
  });

  test('is any where none was asked for', async () => {
    const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
    const authnStatementXml = statement(browser.now, '');
    const text = writeResponse({ ...browser.answer, authnStatementXml });
    const { assertion } = await postResponse(browser, signXml(text, 'assertion', { key }));
    expect(assertion.nameId.value).toBe('00u1mary');
  });
});
