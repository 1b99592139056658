import { type ReceivedLogout, verifyLogout } from '@rollcall/jit-auth/saml/logout/verify-logout';
import { SamlRefusal } from '@rollcall/jit-auth/saml/refusal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silenceXmldom } from '../../fixtures/saml/describe-mutations.ts';
import { signLogout, signQuery, toLogoutForm, writeLogout } from '../../fixtures/saml/logout.ts';
import { mutate, mutations } from '../../fixtures/saml/mutate-xml.ts';
import { testConnection, testIdp } from '../../fixtures/saml/sign-in.ts';
import { makeTestKey } from '../../fixtures/saml/signing-key.ts';

const key = await makeTestKey();
const connection = testConnection(testIdp(key));
const FORMS = 3_000;
const QUERIES = 10_000;
silenceXmldom();

/** What a message is taken to say: itself, or a refusal. Anything else is a fault of ours. */
function read(received: ReceivedLogout) {
  try {
    const { facts, relayState } = verifyLogout(received, connection);
    return { facts, relayState };
  } catch (error) {
    if (error instanceof SamlRefusal) return null;
    throw error;
  }
}

test(`none of ${FORMS} mutants of a posted LogoutRequest ends anything else`, () => {
  const xml = signLogout(writeLogout({ sessionIndexes: ['_s1', '_s2'] }), { key });
  const post = (text: string): ReceivedLogout => ({ binding: 'post', form: toLogoutForm(text) });
  const good = read(post(xml));
  expect(good).not.toBeNull();
  let taken = 0;
  fc.assert(
    fc.property(mutations(), (changes) => {
      const answer = read(post(mutate(xml, changes)));
      if (answer === null) return;
      taken++;
      expect(answer).toEqual(good);
    }),
    { numRuns: FORMS, endOnFailure: true },
  );
  expect(taken).toBeGreaterThan(0);
}, 120_000);

test(`none of ${QUERIES} mutants of a signed query says anything else`, () => {
  const mine = signQuery(writeLogout({ sessionIndexes: ['_s1'] }), { key, relayState: 'a b+c' });
  const theirs = signQuery(writeLogout({ name: 'LogoutResponse', inResponseTo: '_r' }), { key });
  const ask = (query: string) => read({ binding: 'redirect', query });
  const goods = [ask(mine), ask(theirs)];
  expect(goods).not.toContain(null);
  const parts = [...mine.split('&'), ...theirs.split('&')];
  const place = fc.nat(1_000);
  const kinds = Object.keys(QUERY_KINDS) as (keyof typeof QUERY_KINDS)[];
  const step = fc.record({ kind: fc.constantFrom(...kinds), a: place, b: place });
  let taken = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 3 }), (steps) => {
      const query = steps.reduce(
        (text, { kind, a, b }) => QUERY_KINDS[kind](text, a, b, parts),
        mine,
      );
      const answer = ask(query);
      if (answer === null) return;
      taken++;
      // Either message whole, with the RelayState that was signed with it.
      expect(goods).toContainEqual(answer);
    }),
    { numRuns: QUERIES, endOnFailure: true },
  );
  expect(taken).toBeGreaterThan(0);
}, 120_000);

const NAMES = [
  'SAMLRequest',
  'SAMLResponse',
  'RelayState',
  'SigAlg',
  'Signature',
  'SAMLart',
  'samlrequest',
];

/** What somebody does to a query: to its characters, to its parameters, to their names. */
const QUERY_KINDS = {
  character: (query: string, a: number, b: number) => {
    const at = a % (query.length + 1);
    return query.slice(0, at) + String.fromCharCode(33 + (b % 94)) + query.slice(at + 1);
  },
  insert: (query: string, a: number, b: number) => {
    const pieces = [
      '&',
      '=',
      '%',
      '%00',
      '+',
      ';',
      '#',
      '%26SAMLResponse%3D',
      '&SAMLRequest=',
      '\u00e9',
      ' ',
    ];
    const at = a % (query.length + 1);
    return query.slice(0, at) + pieces[b % pieces.length] + query.slice(at);
  },
  /** The same character, written otherwise. */
  escape: (query: string, a: number) => {
    const at = a % query.length;
    const code = query.charCodeAt(at).toString(16).padStart(2, '0');
    return `${query.slice(0, at)}%${a % 2 === 0 ? code : code.toUpperCase()}${query.slice(at + 1)}`;
  },
  lowerCaseEscapes: (query: string) =>
    query.replaceAll(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()),
  plus: (query: string) => query.replace('%20', '+'),
  drop: (query: string, a: number) => {
    const list = query.split('&');
    return list.filter((_, index) => index !== a % list.length).join('&');
  },
  add: (query: string, a: number, b: number, parts: readonly string[]) => {
    const list = query.split('&');
    list.splice(b % (list.length + 1), 0, parts[a % parts.length] ?? '');
    return list.join('&');
  },
  replace: (query: string, a: number, b: number, parts: readonly string[]) => {
    const list = query.split('&');
    list[b % list.length] = parts[a % parts.length] ?? '';
    return list.join('&');
  },
  reorder: (query: string, a: number, b: number) => {
    const list = query.split('&');
    const [moved = ''] = list.splice(a % list.length, 1);
    list.splice(b % (list.length + 1), 0, moved);
    return list.join('&');
  },
  rename: (query: string, a: number, b: number) => {
    const list = query.split('&');
    const index = a % list.length;
    list[index] = (list[index] ?? '').replace(/^[^=]*/, NAMES[b % NAMES.length] ?? '');
    return list.join('&');
  },
  /** Every parameter of the other message. */
  other: (query: string, a: number, _: number, parts: readonly string[]) =>
    a % 2 === 0 ? parts.slice(4).join('&') : `${query}&${parts.slice(4).join('&')}`,
};
