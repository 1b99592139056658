import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import { DOMParser } from '@xmldom/xmldom';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SignedXml } from 'xml-crypto';
import { askFirst } from '../../fixtures/saml/both-verifiers.ts';
import {
  MUTANTS,
  MUTANTS_TOGETHER,
  silenceXmldom,
} from '../../fixtures/saml/describe-mutations.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { mutate, mutations } from '../../fixtures/saml/mutate-xml.ts';
import { newId, writeAssertion, writeResponse } from '../../fixtures/saml/response-xml.ts';
import {
  postResponse,
  sendBrowser,
  testConnection,
  testIdp,
  type WaitingBrowser,
} from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const MIXTURES = 1_000;
/** At most: the search ends with the first that somebody weaker lets in. */
const SEARCHED = 60_000;
silenceXmldom();

test.each([
  ['sample', import.meta.dirname, /await testMutants\('[a-z]+', '[a-z ]+'\);/g],
  [
    'all',
    join(import.meta.dirname, '../../long'),
    /await testMutants\('[a-z]+', '[a-z ]+', 'all'\);/g,
  ],
] as const)('the files of mutants make as many as they should: %s', async (size, folder, call) => {
  const files = await readMutantFiles(folder);
  const kinds = new Set(files.flatMap((text) => [...text.matchAll(call)].map(([one]) => one)));
  expect(kinds.size * MUTANTS[size]).toBeGreaterThanOrEqual(MUTANTS_TOGETHER[size]);
});

test('pieces of two good responses, put together, sign nobody in as a mixture', async () => {
  const connection = testConnection(testIdp(key));
  const requestId = newId();
  const start = await sendBrowser(connection, mapReplayMemory(), requestId);
  const mine = signXml(writeResponse({ ...start.answer, nameId: 'mary' }), 'assertion', { key });
  const theirs = signXml(writeResponse({ ...start.answer, nameId: 'admin' }), 'assertion', { key });
  const unsigned = writeAssertion({ ...start.answer, nameId: 'admin' });
  const split = (xml: string) => xml.split(/(?=<)/);
  let taken = 0;
  const [a, b] = [split(mine), [...split(theirs), ...split(unsigned)]];
  const [here, there] = [a, b].map((pieces) =>
    pieces.findIndex((piece) => piece.startsWith('<ds:X509Certificate>')),
  );
  // Well-formed, and good: nothing of what was signed is another.
  const certificateTwice: [number, number, number, number][] = [
    [here ?? 0, here ?? 0, there ?? 0, (there ?? 0) + 2],
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(a.length),
      fc.nat(a.length),
      fc.nat(b.length),
      fc.nat(b.length),
      async (i, j, k, l) => {
        const mixed = [
          ...a.slice(0, Math.min(i, j)),
          ...b.slice(Math.min(k, l), Math.max(k, l)),
          ...a.slice(Math.max(i, j)),
        ].join('');
        const browser = await sendBrowser(connection, mapReplayMemory(), requestId);
        const answer = await postResponse(browser, mixed).catch(refusalOf);
        if (answer instanceof SamlRefusal) return;
        taken++;
        // Either whole assertion may come through, as its provider signed it.
        const { nameId } = answer.assertion;
        const whole = nameId.value === 'mary' ? mine : theirs;
        expect(signedPartOf(mixed)).toBe(signedPartOf(whole));
      },
    ),
    { numRuns: MIXTURES, examples: [[0, 0, 0, 0], ...certificateTwice] },
  );
  expect(taken).toBeGreaterThan(0);
});

/** Somebody who verifies less than we do: whom they let in, or null. */
type Weak = (browser: WaitingBrowser, xml: string) => Promise<string | null>;

/** Some signature holds, and the first NameID of the document is read. */
const readsTheFirst: Weak = async (_, xml) => {
  const document = new DOMParser().parseFromString(xml, 'text/xml');
  const [signature] = Array.from(document.getElementsByTagName('ds:Signature'));
  const verifier = new SignedXml({ publicCert: key.certificate });
  verifier.loadSignature(signature as never);
  if (!verifier.checkSignature(xml)) return null;
  return document.getElementsByTagName('saml:NameID')[0]?.textContent ?? null;
};

/** Our first verifier without the check of the text and without the second, read from what is not signed. */
const readsTheUnsigned: Weak = async (browser, xml) => {
  if ('code' in (await askFirst(browser, xml))) return null;
  return /<saml:NameID[^>]*>([^<]*)/.exec(xml)?.[1] ?? null;
};

test.each([
  ['whoever reads the first NameID beside a good signature', readsTheFirst],
  ['whoever reads the document and not what was signed', readsTheUnsigned],
])(
  'the mutants are sharp: they deceive %s',
  async (_, weak) => {
    const connection = testConnection(testIdp(key));
    const browser = await sendBrowser(connection, mapReplayMemory());
    const xml = signXml(writeResponse(browser.answer), 'assertion', { key });
    expect(await weak(browser, xml)).toBe('00u1mary');
    let deceiver = '';
    const search = await fc.check(
      fc.asyncProperty(mutations(), async (changes) => {
        deceiver = mutate(xml, changes);
        const name = await weak(browser, deceiver).catch(() => null);
        return name === null || name === '00u1mary';
      }),
      { numRuns: SEARCHED, endOnFailure: true },
    );
    expect(search.failed).toBe(true);
    // What deceives them is refused here, or read as it was signed.
    const answer = await postResponse(browser, deceiver).catch((error: unknown) => error);
    if (!(answer instanceof SamlRefusal)) {
      expect(answer).toMatchObject({ assertion: { nameId: { value: '00u1mary' } } });
    }
  },
  120_000,
);

/** The assertion but for KeyInfo, which nobody signs and nobody reads. */
function signedPartOf(xml: string): string | undefined {
  const [assertion] = /<saml:Assertion.*<\/saml:Assertion>/s.exec(xml) ?? [];
  return assertion?.replace(/<ds:KeyInfo>.*<\/ds:KeyInfo>/s, '');
}

async function readMutantFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => /^mutants-.*\.test\.ts$/.test(name));
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}

/** A refusal is fine; any other error is a fault of ours. */
function refusalOf(error: unknown): SamlRefusal {
  if (error instanceof SamlRefusal) return error;
  throw error;
}
