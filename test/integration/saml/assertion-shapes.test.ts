import { describe, expect, test } from 'vitest';
import { askFirst, askSecond } from '../../fixtures/saml/both-verifiers.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { BEARER, type ResponseText, writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const NAME = '00u1mary';
const XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';
const group = (value: string) =>
  `<saml:AttributeStatement><saml:Attribute Name="groups">${value}</saml:Attribute></saml:AttributeStatement>`;

/** A response that the provider has signed just as it is. */
async function signed(text: Partial<ResponseText>, change = (xml: string) => xml) {
  const browser = await sendBrowser(testConnection(testIdp(key)), mapReplayMemory());
  const xml = change(writeResponse({ ...browser.answer, attributes: [], ...text }));
  return { browser, xml: signXml(xml, 'assertion', { key }) };
}

describe('read as it is meant', () => {
  test.each<readonly [string, string, readonly string[]]>([
    [
      'a type of text',
      `<saml:AttributeValue ${XSI} xsi:type="xs:string">a</saml:AttributeValue>`,
      ['a'],
    ],
    [
      'a type that nobody knows',
      `<saml:AttributeValue ${XSI} xsi:type="x:evil">a</saml:AttributeValue>`,
      ['a'],
    ],
    [
      'a nil value',
      `<saml:AttributeValue ${XSI} xsi:nil="1"/><saml:AttributeValue>a</saml:AttributeValue>`,
      ['a'],
    ],
    [
      'a value that is not nil',
      `<saml:AttributeValue ${XSI} xsi:nil="false">a</saml:AttributeValue>`,
      ['a'],
    ],
    ['nil of no namespace', '<saml:AttributeValue nil="true">a</saml:AttributeValue>', ['a']],
    [
      'nil of another namespace',
      '<saml:AttributeValue xmlns:x="urn:x" x:nil="true">a</saml:AttributeValue>',
      ['a'],
    ],
  ])('%s', async (_, value, groups) => {
    const { browser, xml } = await signed({ moreAssertionXml: group(value) });
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.attributes.get('groups')).toEqual(groups);
  });

  test('the attributes of several statements, of any namespace but ours none', async () => {
    const value = (text: string) => `<saml:AttributeValue>${text}</saml:AttributeValue>`;
    const { browser, xml } = await signed({
      moreAssertionXml: group(value('a')) + group(value('b')),
    });
    const { assertion } = await postResponse(browser, xml);
    expect(assertion.attributes.get('groups')).toEqual(['a', 'b']);
    const other = await signed({
      moreAssertionXml: group(value('a'))
        .replaceAll('saml:', 'x:')
        .replace(' ', ' xmlns:x="urn:x" '),
    });
    await expect(postResponse(other.browser, other.xml)).rejects.toHaveProperty('code');
  });

  test.each([
    ['used once, as every assertion is', '<saml:OneTimeUse/>'],
    ['not for others to vouch with', '<saml:ProxyRestriction Count="0"/>'],
  ])('conditions that are kept whatever they say: %s', async (_, moreConditionsXml) => {
    const { browser, xml } = await signed({ moreConditionsXml });
    expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(NAME);
    const again = await sendBrowser(browser.connection, browser.memory, browser.requestId);
    await expect(postResponse(again, xml)).rejects.toMatchObject({ code: 'saml.replayed' });
  });

  test('Advice, which is never looked at', async () => {
    const moreAssertionXml =
      '<saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef></saml:Advice>';
    const { browser, xml } = await signed({ moreAssertionXml });
    expect((await postResponse(browser, xml)).assertion.nameId.value).toBe(NAME);
  });

  test('an ID of another namespace is none, wherever it stands', async () => {
    const withBoth = (order: string) =>
      signed({ assertionId: '_a1' }, (text) =>
        text
          .replace('<samlp:Response ', '<samlp:Response xmlns:x="urn:x" ')
          .replace('ID="_a1"', order),
      );
    const { browser, xml } = await withBoth('ID="_a1" x:ID="_evil"');
    expect((await postResponse(browser, xml)).assertion.assertionId).toBe('_a1');
    expect(await askSecond(browser, xml)).toEqual({ nameId: NAME });
    // Here the signer took the first one of whichever namespace, and names it.
    const other = await withBoth('x:ID="_evil" ID="_a1"');
    expect(other.xml).toContain('URI="#_evil"');
    expect(await askFirst(other.browser, other.xml)).toEqual({ code: 'saml.reference_mismatch' });
    expect(await askSecond(other.browser, other.xml)).toHaveProperty('code');
  });
});

describe('refused although it is signed', () => {
  const confirmation = (inside: string) =>
    `<saml:Subject><saml:NameID>${NAME}</saml:NameID><saml:SubjectConfirmation Method="${BEARER}">${inside}</saml:SubjectConfirmation></saml:Subject>`;

  test.each<readonly [string, string, Partial<ResponseText>]>([
    [
      'a nil value with text in it',
      'saml.malformed',
      {
        moreAssertionXml: group(
          `<saml:AttributeValue ${XSI} xsi:nil="true">admins</saml:AttributeValue>`,
        ),
      },
    ],
    [
      'a nil value with an element in it',
      'saml.malformed',
      {
        moreAssertionXml: group(
          `<saml:AttributeValue ${XSI} xsi:nil="1"><a/></saml:AttributeValue>`,
        ),
      },
    ],
    ['OneTimeUse twice', 'saml.malformed', { moreConditionsXml: '<saml:OneTimeUse/>'.repeat(2) }],
    [
      'ProxyRestriction twice',
      'saml.malformed',
      { moreConditionsXml: '<saml:ProxyRestriction/>'.repeat(2) },
    ],
    [
      'a confirmation by an encrypted name',
      'saml.encrypted_not_supported',
      { subjectXml: confirmation('<saml:EncryptedID/>') },
    ],
    [
      'two SubjectConfirmationData',
      'saml.malformed',
      { subjectXml: confirmation('<saml:SubjectConfirmationData/>'.repeat(2)) },
    ],
    [
      'a name of another kind',
      'saml.subject_not_confirmed',
      { subjectXml: '<saml:Subject><saml:BaseID/></saml:Subject>' },
    ],
  ])('%s', async (_, code, text) => {
    const { browser, xml } = await signed(text);
    await expect(postResponse(browser, xml)).rejects.toMatchObject({ code });
  });
});
