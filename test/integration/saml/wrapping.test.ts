import { describe, expect, test } from 'vitest';
import { askFirst, askSecond } from '../../fixtures/saml/both-verifiers.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';
import { WRAPPINGS, wrapResponse } from '../../fixtures/saml/wrapping.ts';

const key = await makeTestKey();

describe.each(['assertion', 'response', 'both'] as const)(
  'signature wrapping, signed: %s',
  (signed) => {
    describe.each(WRAPPINGS)('XSW%i', (wrapping) => {
      test.each([false, true])('is refused (with the ID of the signed one: %s)', async (keepId) => {
        const connection = testConnection(testIdp(key), { signed });
        const browser = await sendBrowser(connection, mapReplayMemory());
        const good = signXml(writeResponse(browser.answer), signed, { key });
        const forged = wrapResponse(good, wrapping, keepId);
        await expect(postResponse(browser, forged)).rejects.toMatchObject({
          code: 'saml.not_one_assertion',
        });
        // Each verifier alone, without the count that comes before them.
        expect(await askFirst(browser, forged)).toEqual({ code: 'saml.not_one_assertion' });
        // In Extensions node-saml overlooks the forged one, and reads the signed one.
        const overlooked = wrapping === 7 && signed === 'assertion' && !keepId;
        expect(await askSecond(browser, forged)).toEqual(
          overlooked ? { nameId: '00u1mary' } : { code: 'saml.second_verifier_refused' },
        );
        // The same response unforged is good: it is the wrapping that is refused.
        const again = await sendBrowser(connection, mapReplayMemory(), browser.requestId);
        const { assertion } = await postResponse(again, good);
        expect(assertion.nameId.value).toBe('00u1mary');
      });
    });
  },
);
