import { ON_THIS_THREAD, type SecondOpinion } from '@rollcall/jit-auth/saml/second-opinion';
import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { codeOf } from '@rollcall/shared/core/errors';
import { toEpochMs } from '@rollcall/shared/core/time';
import { expect, it } from 'vitest';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { sendBrowser, testConnection, testIdp, toForm } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();

/**
 * Whoever has one response that answers no request may post it again and again. The second
 * verifier is the dear one, and everybody's sign-ins wait for it.
 */
it('an unsolicited response that is replayed is not verified a second time', async () => {
  const connection = testConnection(testIdp(key), { idpInitiated: true });
  const { answer, memory } = await sendBrowser(connection, mapReplayMemory());
  const text = { ...answer, inResponseTo: null, responseInResponseTo: null };
  const form = toForm(signXml(writeResponse(text), 'assertion', { key }));
  let asked = 0;
  const second: SecondOpinion = {
    reserve: () => {
      const place = ON_THIS_THREAD.reserve();
      const ask: typeof place.ask = (question) => {
        asked++;
        return place.ask(question);
      };
      return { ask, release: () => place.release() };
    },
    close: () => ON_THIS_THREAD.close(),
  };
  const post = () => {
    const deps = { connection, memory, second, now: toEpochMs(Date.now()) };
    return verifyResponse({ form, browser: null }, deps).then(() => 'taken', codeOf);
  };
  const codes = await Promise.all(Array.from({ length: 20 }, post));
  expect(codes.sort()).toEqual([...Array(19).fill('saml.replayed'), 'taken']);
  expect(asked).toBe(1);
});
