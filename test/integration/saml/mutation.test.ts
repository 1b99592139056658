import { verifyFirst } from '@rollcall/jit-auth/saml/first-verifier';
import { termsOf } from '@rollcall/jit-auth/saml/verification-terms';
import type { AssertionContent } from '@rollcall/jit-auth/saml/verified-assertion';
import { AppError } from '@rollcall/shared/core/errors';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { askSecond } from '../../fixtures/saml/both-verifiers.ts';
import { mapReplayMemory } from '../../fixtures/saml/map-replay-memory.ts';
import { newId, writeAssertion, writeResponse } from '../../fixtures/saml/response-xml.ts';
import { postResponse, sendBrowser, testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { signXml } from '../../fixtures/saml/sign-xml.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const RUNS = 300;

// xmldom writes what it thinks of broken XML to the console.
beforeAll(() => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
  const error = vi.spyOn(console, 'error').mockReturnValue(undefined);
  return () => {
    warn.mockRestore();
    error.mockRestore();
  };
});

/** What somebody who forges a response would try to put into it. */
const PIECES = [
  'admin',
  '<!-- -->',
  '<![CDATA[x]]>',
  '<?x y?>',
  '&#x61;',
  '&amp;',
  ' ',
  '\r',
  '\t',
  '<saml:NameID>admin</saml:NameID>',
  '<saml:AttributeValue>admin</saml:AttributeValue>',
  '<saml:Issuer>x</saml:Issuer>',
  '<samlp:Extensions/>',
  '<ds:Object/>',
  ' ID="_x"',
  ' xmlns="urn:x"',
  ' xmlns:saml="urn:x"',
  ' xmlns:y="urn:y"',
  ' InResponseTo="_x"',
  '</saml:Assertion>',
  'Signature',
  '=',
  '"',
];

type Mutation =
  | { readonly kind: 'replace'; readonly at: number; readonly character: string }
  | { readonly kind: 'insert'; readonly at: number; readonly piece: string }
  | { readonly kind: 'delete'; readonly at: number; readonly length: number }
  | { readonly kind: 'copy'; readonly from: number; readonly length: number; readonly to: number }
  | { readonly kind: 'swap'; readonly a: number; readonly b: number };

const place = fc.nat(1_000_000);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({
    kind: fc.constant('replace'),
    at: place,
    character: fc.string({ minLength: 1, maxLength: 1, unit: 'binary-ascii' }),
  }),
  fc.record({ kind: fc.constant('insert'), at: place, piece: fc.constantFrom(...PIECES) }),
  fc.record({ kind: fc.constant('delete'), at: place, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({
    kind: fc.constant('copy'),
    from: place,
    length: fc.integer({ min: 1, max: 3000 }),
    to: place,
  }),
  fc.record({ kind: fc.constant('swap'), a: place, b: place }),
);

function mutate(xml: string, change: Mutation): string {
  const at = (n: number) => n % xml.length;
  switch (change.kind) {
    case 'replace':
      return xml.slice(0, at(change.at)) + change.character + xml.slice(at(change.at) + 1);
    case 'insert':
      return insertAtBoundary(xml, change.at, change.piece);
    case 'delete':
      return xml.slice(0, at(change.at)) + xml.slice(at(change.at) + change.length);
    case 'copy': {
      const from = at(change.from);
      const copied = xml.slice(from, from + change.length);
      return xml.slice(0, at(change.to)) + copied + xml.slice(at(change.to));
    }
    case 'swap':
      return swapElements(xml, change.a, change.b);
    default:
      return change satisfies never;
  }
}

/** Half of the time between two tags or words, where it is most likely to be well-formed. */
function insertAtBoundary(xml: string, n: number, piece: string): string {
  const boundaries = [...xml.matchAll(/(?=[<>" ])/g)].map((match) => match.index);
  const at = n % 2 === 0 ? (boundaries[n % boundaries.length] ?? 0) : n % xml.length;
  return xml.slice(0, at) + piece + xml.slice(at);
}

/** Swaps two leaf elements. */
function swapElements(xml: string, a: number, b: number): string {
  const leaves = [...xml.matchAll(/<([\w:]+)[^<>]*>[^<]*<\/\1>|<[^<>]*\/>/g)];
  const [first, second] = [leaves[a % leaves.length], leaves[b % leaves.length]].sort(
    (one, other) => (one?.index ?? 0) - (other?.index ?? 0),
  );
  if (first === undefined || second === undefined || first === second) return xml;
  return (
    xml.slice(0, first.index) +
    second[0] +
    xml.slice(first.index + first[0].length, second.index) +
    first[0] +
    xml.slice(second.index + second[0].length)
  );
}

describe.each(['assertion', 'response', 'both'] as const)(
  'mutations of a good response, signed: %s',
  (signed) => {
    test(`none of ${RUNS} signs anybody else in`, async () => {
      const connection = testConnection(testIdp(key), { signed });
      const requestId = newId();
      const start = await sendBrowser(connection, mapReplayMemory(), requestId);
      const text = {
        ...start.answer,
        attributes: [
          ['groups', 'a', 'b'],
          ['email', 'm@example.com'],
        ] as const,
      };
      const xml = signXml(writeResponse(text), signed, { key });
      const expected = signedContent((await postResponse(start, xml)).assertion);
      const signedFacts = verifyFirst(xml, termsOf(connection)).facts.assertion;
      let taken = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (changes) => {
          const changed = changes.reduce(mutate, xml);
          const browser = await sendBrowser(connection, mapReplayMemory(), requestId);
          const answer = await postResponse(browser, changed).catch(refusalOf);
          if (!(answer instanceof AppError)) {
            taken++;
            expect(signedContent(answer.assertion)).toEqual(expected);
          }
          // Each verifier alone, past the checks of the text.
          const first = firstFacts(() => verifyFirst(changed, termsOf(connection)).facts.assertion);
          if (first !== null) expect(first).toEqual(signedFacts);
          const second = await askSecond(browser, changed);
          if ('nameId' in second) expect(second.nameId).toBe('00u1mary');
        }),
        { numRuns: RUNS, examples: [[[{ kind: 'insert', at: 0, piece: ' ' }]]] },
      );
      // Some mutations change nothing that is signed: the property is not empty.
      expect(taken).toBeGreaterThan(0);
    });
  },
);

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
        if (answer instanceof AppError) return;
        taken++;
        // Either whole assertion may come through, as its provider signed it.
        const { nameId } = answer.assertion;
        const whole = nameId.value === 'mary' ? mine : theirs;
        const signedPart = /<saml:Assertion.*<\/saml:Assertion>/s;
        expect(signedPart.exec(mixed)?.[0]).toBe(signedPart.exec(whole)?.[0]);
      },
    ),
    { numRuns: RUNS, examples: [[0, 0, 0, 0]] },
  );
  expect(taken).toBeGreaterThan(0);
});

/** Everything but what the envelope says without a signature. */
function signedContent({ responseId: _, ...content }: AssertionContent) {
  return content;
}

/** A refusal is fine; any other error is a fault of ours. */
function refusalOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  throw error;
}

function firstFacts<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    refusalOf(error);
    return null;
  }
}
