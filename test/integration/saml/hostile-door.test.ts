import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { ADA, ALAN, type Instance, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

/** A browser whose identity provider has answered, and what it would post. */
interface Answered {
  readonly visitor: Visitor;
  readonly fields: Readonly<Record<string, string>>;
}

interface Scene {
  readonly stack: Stack;
  readonly other: Instance;
  readonly acs: string;
  /** Signs somebody in at the provider, for a connection. */
  answer(visitor?: Visitor, person?: string, connection?: string): Promise<Answered>;
}

interface DoorCase {
  readonly name: string;
  readonly status: number;
  /** What the log or the problem says. */
  readonly code: string;
  send(scene: Scene): Promise<{ readonly status: number; readonly text: string }>;
}

const FORM = 'application/x-www-form-urlencoded';

/** Posts a body as it is, from a browser that has asked. */
function body(
  name: string,
  status: number,
  code: string,
  make: (fields: Answered['fields']) => { body: BodyInit; headers?: Record<string, string> },
): DoorCase {
  return {
    name,
    status,
    code,
    send: async ({ answer, acs }) => {
      const { visitor, fields } = await answer();
      const made = make(fields);
      return visitor.postOnce(acs, made.body, made.headers ?? { 'content-type': FORM });
    },
  };
}

function form(
  name: string,
  code: string,
  change: (fields: Answered['fields']) => [string, string][],
): DoorCase {
  return body(name, 403, code, (fields) => ({
    body: new URLSearchParams(change(fields)).toString(),
  }));
}

const MISSING = 'saml.response_missing';
const UNKNOWN = 'saml.request_unknown';
const response = ({ SAMLResponse = '' }: Answered['fields']): [string, string] => [
  'SAMLResponse',
  SAMLResponse,
];

const FORMS: readonly DoorCase[] = [
  form('a request in place of the response', MISSING, ({ SAMLResponse = '' }) => [
    ['SAMLRequest', SAMLResponse],
  ]),
  form('the response under another case', MISSING, ({ SAMLResponse = '' }) => [
    ['samlresponse', SAMLResponse],
  ]),
  form('the response as a field of an object', MISSING, ({ SAMLResponse = '' }) => [
    ['SAMLResponse[a]', SAMLResponse],
  ]),
  form('the response as an item of a list', MISSING, ({ SAMLResponse = '' }) => [
    ['SAMLResponse[]', SAMLResponse],
  ]),
  form('the response twice', 'saml.response_repeated', (fields) => [
    response(fields),
    response(fields),
  ]),
  form('no RelayState', UNKNOWN, (fields) => [response(fields)]),
  form('an address as RelayState', UNKNOWN, (fields) => [
    response(fields),
    ['RelayState', 'https://evil.example/'],
  ]),
  form('a path as RelayState', UNKNOWN, (fields) => [
    response(fields),
    ['RelayState', '//evil.example'],
  ]),
  form('RelayState twice', UNKNOWN, (fields) => [
    response(fields),
    ['RelayState', fields.RelayState ?? ''],
    ['RelayState', 'x'],
  ]),
  form('RelayState with a blank', UNKNOWN, (fields) => [
    response(fields),
    ['RelayState', `${fields.RelayState} `],
  ]),
  form('RelayState of somebody who guesses', UNKNOWN, (fields) => [
    response(fields),
    ['RelayState', 'A'.repeat(43)],
  ]),
  body('JSON', 403, MISSING, (fields) => ({
    body: JSON.stringify(fields),
    headers: { 'content-type': 'application/json' },
  })),
  body('plain text', 403, MISSING, (fields) => ({
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'text/plain' },
  })),
  body('multipart', 403, MISSING, (fields) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) data.set(name, value);
    return { body: data, headers: {} };
  }),
  body('a megabyte', 413, 'http.body_too_large', () => ({
    body: `SAMLResponse=${'A'.repeat(1024 * 1024)}`,
  })),
  body('a megabyte that is a kilobyte when it comes', 413, 'http.body_too_large', () => ({
    body: new Uint8Array(gzipSync(`SAMLResponse=${'A'.repeat(4 * 1024 * 1024)}`)),
    headers: { 'content-type': FORM, 'content-encoding': 'gzip' },
  })),
  body('a compression that nobody knows', 400, 'http.bad_body', () => ({
    body: 'SAMLResponse=x',
    headers: { 'content-type': FORM, 'content-encoding': 'x-evil' },
  })),
  body('UTF-16 as the charset', 400, 'http.bad_body', () => ({
    body: 'SAMLResponse=x',
    headers: { 'content-type': `${FORM}; charset=utf-16` },
  })),
  body('a thousand fields', 400, 'http.bad_body', () => ({ body: 'a=1&'.repeat(1000) })),
];

const method = (name: string): DoorCase => ({
  name: `the method ${name}, the response in the query`,
  status: 405,
  code: name === 'HEAD' ? '' : 'http.bad_method',
  send: async ({ answer, acs }) => {
    const { visitor, fields } = await answer();
    const cookie = visitor.cookies(acs);
    const url = `${acs}?${new URLSearchParams(fields)}`;
    const got = await fetch(url, { method: name, redirect: 'manual', headers: { cookie } });
    return { status: got.status, text: await got.text() };
  },
});

const path = (to: string, code: string): DoorCase => ({
  name: `the path ${to}`,
  status: 404,
  code,
  send: async ({ stack, answer }) => {
    const { visitor, fields } = await answer();
    return visitor.postOnce(`${stack.web.url}${to}`, new URLSearchParams(fields));
  },
});

const ADDRESSES: readonly DoorCase[] = [
  ...['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map(method),
  {
    name: 'a post with the response in the query',
    status: 403,
    code: MISSING,
    send: async ({ answer, acs }) => {
      const { visitor, fields } = await answer();
      return visitor.postOnce(`${acs}?${new URLSearchParams(fields)}`, '', {
        'content-type': FORM,
      });
    },
  },
  path('/saml/DEMO/acs', 'connection.unknown'),
  path('/saml/nobody/acs', 'connection.unknown'),
  path('/saml/__proto__/acs', 'connection.unknown'),
  path('/saml/constructor/acs', 'connection.unknown'),
  path('/saml/demo%2facs', 'http.not_found'),
  path('/saml/demo%00/acs', 'connection.unknown'),
];

const BROWSERS: readonly DoorCase[] = [
  {
    name: 'login CSRF: the response of the attacker in the browser of a victim',
    status: 403,
    code: 'saml.other_browser',
    send: async ({ answer, acs }) => {
      const { fields } = await answer(new Visitor(), ALAN);
      const victim = await answer();
      return victim.visitor.postOnce(acs, new URLSearchParams(fields));
    },
  },
  {
    name: 'a stolen response in a browser without a cookie',
    status: 403,
    code: 'saml.other_browser',
    send: async ({ answer, acs }) => {
      const { fields } = await answer();
      return new Visitor().postOnce(acs, new URLSearchParams(fields));
    },
  },
  ...['', 'x', 'A'.repeat(43), '"quoted"'].map((value) => ({
    name: `a stolen response in a browser with the cookie ${JSON.stringify(value)}`,
    status: 403,
    code: 'saml.other_browser',
    send: async ({ answer, acs }: Scene) => {
      const { fields } = await answer();
      const thief = new Visitor();
      for (const name of ['rollcall-browser', 'rollcall-browser-lax'])
        thief.plant(acs, name, value);
      return thief.postOnce(acs, new URLSearchParams(fields));
    },
  })),
  {
    name: 'RelayState of one sign-in with the response to another, in one browser',
    status: 403,
    code: 'saml.in_response_to_mismatch',
    send: async ({ answer, acs }) => {
      const first = await answer();
      const second = await answer(first.visitor);
      const mixed = { ...first.fields, RelayState: second.fields.RelayState ?? '' };
      return first.visitor.postOnce(acs, new URLSearchParams(mixed));
    },
  },
  {
    name: 'the response for one connection at another with the same key',
    status: 403,
    code: UNKNOWN,
    send: async ({ stack, answer }) => {
      const { visitor, fields } = await answer();
      return visitor.postOnce(`${stack.web.url}/saml/second/acs`, new URLSearchParams(fields));
    },
  },
  {
    name: 'the same with RelayState of the other connection',
    status: 403,
    code: 'saml.destination_mismatch',
    send: async ({ stack, answer }) => {
      const first = await answer();
      const second = await answer(first.visitor, ADA, 'second');
      const mixed = { ...first.fields, RelayState: second.fields.RelayState ?? '' };
      return first.visitor.postOnce(`${stack.web.url}/saml/second/acs`, new URLSearchParams(mixed));
    },
  },
  {
    name: 'the same response again',
    status: 403,
    code: UNKNOWN,
    send: async ({ answer, acs }) => {
      const { visitor, fields } = await answer();
      expect((await visitor.postOnce(acs, new URLSearchParams(fields))).status).toBe(303);
      return visitor.postOnce(acs, new URLSearchParams(fields));
    },
  },
  {
    name: 'the same response again at the other instance',
    status: 403,
    code: UNKNOWN,
    send: async ({ answer, acs, other }) => {
      const { visitor, fields } = await answer();
      const cookie = visitor.cookies(acs);
      expect((await visitor.postOnce(acs, new URLSearchParams(fields))).status).toBe(303);
      const init = { method: 'POST', body: new URLSearchParams(fields), headers: { cookie } };
      const got = await fetch(`${other.url}/saml/demo/acs`, { ...init, redirect: 'manual' });
      return { status: got.status, text: await got.text() };
    },
  },
];

const RETURNS = [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https://evil.example/',
  'https:evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  'evil.example',
  '',
  '/%2f/evil.example',
  '/%5cevil.example',
  '/%252f%252fevil.example',
  '/\tevil',
  '/%0d%0aset-cookie:x=y',
  '/..//evil.example',
  '/ evil',
  '/\u2028evil',
  `/${'a'.repeat(3000)}`,
].map(
  (target): DoorCase => ({
    name: `return_to ${JSON.stringify(target.slice(0, 40))}`,
    status: 400,
    code: 'http.bad_return_to',
    send: ({ stack }) =>
      new Visitor().get(`${stack.web.url}/saml/demo/login?return_to=${encodeURIComponent(target)}`),
  }),
);

const DOOR_CASES = [...FORMS, ...ADDRESSES, ...BROWSERS, ...RETURNS];

describeOnBothEngines('hostile: the door', (engine) => {
  let scene: Scene;
  beforeAll(async () => {
    const stack = await startStack({ engine, more: addSecondConnection });
    stack.idp.registerServiceProvider({
      entityId: `${stack.web.url}/saml/second/metadata`,
      acsUrl: `${stack.web.url}/saml/second/acs`,
      name: 'Second',
    });
    scene = {
      stack,
      other: await stack.another(),
      acs: `${stack.web.url}/saml/demo/acs`,
      answer: async (visitor = new Visitor(), person = ADA, connection = 'demo') => {
        const login = `${stack.web.url}/saml/${connection}/login?return_to=%2Freports`;
        return { visitor, fields: (await askIdp(visitor, login, person)).fields };
      },
    };
  });
  afterAll(() => scene?.stack.close());

  it.each(DOOR_CASES)('$name', async ({ send, status, code }) => {
    const answer = await send(scene);
    const reference = /"reference":"([^"]*)"|data-testid="reference">([^<]*)</.exec(answer.text);
    const ref = reference?.[1] ?? reference?.[2];
    const lines = scene.stack.logged.filter((line) => line.includes(`"ref":"${ref}"`));
    expect(answer.status, answer.text.slice(0, 500)).toBe(status);
    // A refused response says nothing to strangers: its code is in the log.
    expect(code.startsWith('saml.') ? lines.join('\n') : answer.text).toContain(code);
  });

  it('an attacker’s session that is planted before a sign-in stays the attacker’s', async () => {
    const url = scene.stack.web.url;
    const attacker = await scene.answer(new Visitor(), ALAN);
    await attacker.visitor.postOnce(scene.acs, new URLSearchParams(attacker.fields));
    const planted = attacker.visitor.cookies(url);
    const session = /(?:^|; )(rollcall)=([^;]*)/.exec(planted);
    expect(session).not.toBeNull();
    const victim = new Visitor();
    victim.plant(url, session?.[1] ?? '', session?.[2] ?? '');
    const { fields } = await scene.answer(victim, ADA);
    await victim.postOnce(scene.acs, new URLSearchParams(fields));
    expect((await victim.json(`${url}/session`)).text).toContain(ADA);
    const held = await fetch(`${url}/session`, { headers: { cookie: planted } });
    expect(await held.text()).not.toContain(ADA);
    expect(victim.cookies(url)).not.toContain(session?.[2]);
  });

  it('of twelve posts at once to two instances one is taken', async () => {
    const { visitor, fields } = await scene.answer();
    const cookie = visitor.cookies(scene.acs);
    const posts = Array.from({ length: 12 }, (_, n) => {
      const url = n % 2 === 0 ? scene.stack.web.url : scene.other.url;
      const init = { method: 'POST', body: new URLSearchParams(fields), headers: { cookie } };
      return fetch(`${url}/saml/demo/acs`, { ...init, redirect: 'manual' });
    });
    const statuses = (await Promise.all(posts)).map((post) => post.status);
    expect(statuses.sort()).toEqual([303, ...Array(11).fill(403)]);
  });
});

describe('the cases at the door', () => {
  it('do not become fewer', () => {
    const sizes = [FORMS, ADDRESSES, BROWSERS, RETURNS].map((cases) => cases.length);
    expect(sizes).toEqual([19, 13, 11, 19]);
  });
});

function addSecondConnection(config: Record<string, unknown>): void {
  const connections = config.connections as Record<string, unknown>[];
  connections.push({ ...connections[0], id: 'second' });
}
