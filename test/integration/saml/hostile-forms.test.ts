import { verifyResponse } from '@rollcall/jit-auth/saml/verify';
import { codeOf } from '@rollcall/shared/core/errors';
import { describe, expect, test } from 'vitest';
import { HOSTILE_CASES } from '../../fixtures/saml/hostile/all-cases.ts';
import { FORM_CASES } from '../../fixtures/saml/hostile/form-cases.ts';
import { goodResponse } from '../../fixtures/saml/hostile/hostile-case.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const keys = { key, attacker: key, ours: key };
const connection = testConnection(testIdp(key));

describe('hostile: forms', () => {
  test.each(FORM_CASES)('$name', async ({ code, build }) => {
    const browser = await sendBrowser(connection, mapReplayMemory());
    const { memory, now, cookie, relayState } = browser;
    const form = build(goodResponse(browser.answer, 'assertion', keys).xml);
    const withRelay = Object.assign(Object.create(Object.getPrototypeOf(form)), form, {
      RelayState: relayState,
    });
    const answer = verifyResponse(
      { form: withRelay, browser: cookie },
      { connection, memory, now },
    );
    expect(await answer.then(() => 'taken', codeOf)).toBe(code);
  });

  test('whatever is wrong, strangers read the same sentence', async () => {
    const browser = await sendBrowser(connection, mapReplayMemory());
    const good = goodResponse(browser.answer, 'assertion', keys);
    const texts = [
      'hello',
      good.xml.replace('00u1mary', 'admin'),
      writeResponse(browser.answer),
      good.sign({ audience: 'x' }),
    ];
    const sentences = await Promise.all(
      texts.map((text) =>
        postResponse(browser, text).then(String, (error: Error) => error.message),
      ),
    );
    expect(new Set(sentences).size).toBe(1);
  });
});

describe('the hostile suite', () => {
  const cases = Object.values(HOSTILE_CASES).flat();

  test('does not shrink', () => {
    const sizes = Object.entries(HOSTILE_CASES).map(([kind, list]) => [kind, list.length]);
    expect(Object.fromEntries(sizes)).toEqual({
      wrapping: 17,
      markup: 24,
      documents: 52,
      signatures: 64,
      algorithms: 46,
      namespaces: 47,
      conditions: 85,
      encryption: 71,
    });
    expect(FORM_CASES).toHaveLength(32);
  });

  test('has no case twice', () => {
    const names = cases.flatMap(({ name, parts }) => parts.map((part) => `${name} ${part}`));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('is blind nowhere without a reason', () => {
    for (const { name, first, second } of cases) {
      for (const alone of [first, second]) {
        if (typeof alone !== 'string') expect(alone.blind.length, name).toBeGreaterThan(40);
      }
    }
  });
});
