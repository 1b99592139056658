import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  CORE_USER,
  ERROR,
  LIST,
  openScim,
  PATCH_OP,
  type ScimScene,
} from '../support/scim.ts';

/*
 * What Okta asks of a server before it lists an app: the twelve requests of its published
 * suite "Okta SCIM 2.0 SPEC Test" with what it asserts of each, and what the actions of its
 * "CRUD Test" send to a server.
 * https://developer.okta.com/standards/SCIM/SCIMFiles/Okta-SCIM-20-SPEC-Test.json
 * https://developer.okta.com/standards/SCIM/SCIMFiles/Okta-SCIM-20-CRUD-Test.json
 */

let scene: ScimScene;
let seeded: string;
beforeAll(async () => {
  scene = await openScim();
  seeded = await scene.acme.user('seed@acme.example', {
    name: { givenName: 'Sam', familyName: 'Seed' },
    emails: [{ value: 'seed@acme.example', type: 'work', primary: true }],
    active: true,
  });
});
afterAll(() => scene.close());

const NAME = 'kim.lane@acme.example';
const kim = (email: string) => ({
  schemas: [CORE_USER],
  userName: NAME,
  name: { givenName: 'Kim', familyName: 'Lane' },
  emails: [{ primary: true, value: email, type: 'work' }],
  displayName: 'Kim Lane',
  active: true,
});
const byName = (name: string) => `/Users?filter=${encodeURIComponent(`userName eq "${name}"`)}`;

let made = '';

interface Asked {
  readonly title: string;
  readonly ask: () => Promise<Answer>;
  readonly status: number;
  /** What the body has, at least. */
  readonly body?: object;
  /** What later requests need of it. */
  readonly after?: (answer: Answer) => void;
}

const text = expect.stringMatching(/./);
const person = {
  id: text,
  userName: text,
  name: { familyName: text, givenName: text },
  active: expect.any(Boolean),
  emails: [expect.objectContaining({ value: text })],
};
const refused = (status: string) => ({ schemas: [ERROR], detail: text, status });

const SPEC: readonly Asked[] = [
  {
    title: 'the first of the people, with what a list says of itself',
    ask: () => scene.acme.get('/Users?count=1&startIndex=1'),
    status: 200,
    body: { schemas: [LIST], itemsPerPage: 1, startIndex: 1, totalResults: 1, Resources: [person] },
  },
  {
    title: 'one by the id that the list gave',
    ask: () => scene.acme.get(`/Users/${seeded}`),
    status: 200,
    body: person,
  },
  {
    title: 'nobody by a name that nobody has',
    ask: () => scene.acme.get(byName('nobody@nowhere.invalid')),
    status: 200,
    body: { schemas: [LIST], totalResults: 0 },
  },
  {
    title: 'nobody by an id that nobody has',
    ask: () => scene.acme.get('/Users/00000000000000000000'),
    status: 404,
    body: refused('404'),
  },
  {
    title: 'nobody by the name of whom the next one makes',
    ask: () => scene.acme.get(byName(NAME)),
    status: 200,
    body: { schemas: [LIST], totalResults: 0 },
  },
  {
    title: 'somebody new',
    ask: () =>
      scene.acme.send('POST', '/Users', kim('kim@acme.example'), {
        'content-type': 'application/json',
        accept: 'application/scim+json; charset=utf-8',
      }),
    status: 201,
    body: {
      id: text,
      schemas: expect.arrayContaining([CORE_USER]),
      userName: NAME,
      active: true,
      name: { familyName: 'Lane', givenName: 'Kim' },
    },
    after: ({ body }) => {
      made = body.id;
    },
  },
  {
    title: 'whom it has just made',
    ask: () => scene.acme.get(`/Users/${made}`),
    status: 200,
    body: { userName: NAME, name: { familyName: 'Lane', givenName: 'Kim' } },
  },
  {
    title: 'not the same one twice',
    ask: () => scene.acme.post('/Users', kim(NAME)),
    status: 409,
    body: { schemas: [ERROR], scimType: 'uniqueness' },
  },
  {
    title: 'the same one in capitals (the suite asks for the status alone)',
    ask: () => scene.acme.get(byName(NAME.toUpperCase())),
    status: 200,
    body: { totalResults: 1, Resources: [expect.objectContaining({ userName: NAME })] },
  },
  {
    title: 'the groups',
    ask: () => scene.acme.get('/Groups'),
    status: 200,
    body: { schemas: [LIST], totalResults: 0, Resources: [] },
  },
  {
    title: 'nothing with a token that is none',
    ask: () => scene.client('non-token').get(byName(NAME)),
    status: 401,
    body: refused('401'),
  },
  {
    title: 'nothing by a number',
    ask: () => scene.acme.get('/Users/00919288221112222'),
    status: 404,
    body: refused('404'),
  },
];

describe('Okta SCIM 2.0 SPEC Test gets', () => {
  it.each(SPEC)('$title', async ({ ask, status, body = {}, after }) => {
    const answer = await ask();
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    after?.(answer);
  });
});

describe('Okta SCIM 2.0 CRUD Test', () => {
  it('makes, finds, replaces, deactivates, brings back and deactivates again', async () => {
    const name = 'robin@acme.example';
    const posted = await scene.acme.post('/Users', {
      ...kim(name),
      userName: name,
      title: 'Engineer',
      phoneNumbers: [{ value: '415.555.0100' }],
      password: 'thrown away',
    });
    expect(posted.status).toBe(201);
    expect(posted.text).not.toContain('thrown away');
    const { id } = posted.body;
    const found = await scene.acme.get(byName(name));
    expect(found.body).toMatchObject({ totalResults: 1, Resources: [{ id }] });

    // Okta reads the whole, changes one thing, and sends all of it back.
    const { body: read } = await scene.acme.get(`/Users/${id}`);
    const changed = { ...read, name: { ...read.name, givenName: 'Robyn' } };
    const put = await scene.acme.put(`/Users/${id}`, changed);
    expect(put).toMatchObject({ status: 200, body: { id, name: { givenName: 'Robyn' } } });
    expect(put.body.phoneNumbers).toEqual(read.phoneNumbers);

    for (const active of [false, true, false]) {
      const patched = await scene.acme.send('PATCH', `/Users/${id}`, {
        schemas: [PATCH_OP],
        Operations: [{ op: 'replace', value: { active } }],
      });
      expect(patched).toMatchObject({ status: 200, body: { id, active } });
    }
  });
});
