import { codeOf } from '@rollcall/shared/core/errors';
import { expect, test } from 'vitest';
import { OAEP_SHA256 } from '../../fixtures/saml/encrypt-xml.ts';
import { describeHostile } from '../../fixtures/saml/hostile/describe-hostile.ts';
import { ORACLES, seal } from '../../fixtures/saml/hostile/encryption-cases.ts';
import { goodResponse } from '../../fixtures/saml/hostile/hostile-case.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import {
  ownDecryptionKeys,
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
} from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

await describeHostile(['encryption']);

const ROUNDS = 60;
/** An oracle tells a padding from a tag by a multiple; the noise of a machine is less. */
const SAME_CLASS = 1.6;

test.each([
  ['RSA-OAEP-MGF1P', {}],
  ['RSA-OAEP with SHA-256', OAEP_SHA256],
])('ciphertexts that fail take the same time, wherever they fail: %s', async (_, sealing) => {
  const [key, attacker, ours] = await Promise.all([makeTestKey(), makeTestKey(), makeTestKey()]);
  const connection = testConnection(testIdp(key), { keys: ownDecryptionKeys(ours) });
  const browser = await sendBrowser(connection, mapReplayMemory());
  const good = { ...goodResponse(browser.answer, 'assertion', { key, attacker, ours }), sealing };
  const texts = [...ORACLES, ['for another key', { recipient: attacker }] as const].map(
    ([what, options]) => [what, seal(good, options)] as const,
  );
  const quickest = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [what, xml] of texts) {
      const began = performance.now();
      expect(await postResponse(browser, xml).then(() => 'taken', codeOf)).toBe(
        'saml.decryption_failed',
      );
      const ms = performance.now() - began;
      quickest.set(what, Math.min(ms, quickest.get(what) ?? ms));
    }
  }
  // The quickest of many: what else the machine does only adds.
  const [least, most] = [Math.min(...quickest.values()), Math.max(...quickest.values())];
  expect(most / least, JSON.stringify([...quickest])).toBeLessThan(SAME_CLASS);
});
