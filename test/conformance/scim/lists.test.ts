import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CORE_USER, ENTERPRISE, LIST, openScim, type ScimScene } from '../../support/scim.ts';

const URN = CORE_USER;
const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';

let scene: ScimScene;
let groupId = '';
const ids: Record<string, string> = {};

/** Six people, in this order; every filter below says whom it finds of them. */
const PEOPLE: [string, object][] = [
  [
    'ada',
    {
      externalId: 'E-1',
      displayName: 'Ada',
      title: 'Countess',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [
        { value: 'ada@acme.example', type: 'work', primary: true },
        { value: 'ada@home.example', type: 'home' },
      ],
      [ENTERPRISE]: { department: 'Analysis', employeeNumber: '1815', manager: { value: 'm-1' } },
    },
  ],
  [
    'Bob',
    {
      externalId: 'E-2',
      displayName: 'Bob 50%',
      userType: 'Employee',
      emails: [{ value: 'bob@acme.example', type: 'work' }],
      roles: [{ value: 'editor', primary: true }],
    },
  ],
  [
    'carol',
    {
      displayName: 'Carol_x',
      active: false,
      phoneNumbers: [{ value: '+1', type: 'mobile' }],
      emails: [{ value: 'carol@home.example', type: 'home' }],
    },
  ],
  ['dave', { title: 'Dr', nickName: 'd\\ave', locale: 'en-GB' }],
  [
    'élodie',
    { title: 'Ingénieure', addresses: [{ type: 'work', locality: 'Paris', country: 'FR' }] },
  ],
  ['frank', { externalId: 'e-1', [ENTERPRISE]: { department: 'Sales' } }],
];

beforeAll(async () => {
  scene = await openScim();
  for (const [userName, more] of PEOPLE) ids[userName] = await scene.acme.user(userName, more);
  groupId = await scene.acme.group('Analysts', [ids.ada ?? '', ids.Bob ?? '']);
  await scene.acme.group('Empty');
  const globex = scene.client(await scene.token('globex'));
  await globex.user('ada', { externalId: 'E-1' });
});
afterAll(() => scene.close());

const names = (body: { Resources: { userName: string }[] }) =>
  body.Resources.map((one) => one.userName);
const list = (query: string) => scene.acme.get(`/Users?${query}`);
const find = async (filter: string) => {
  const { status, body } = await list(`filter=${encodeURIComponent(filter)}`);
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
  expect(body.totalResults).toBe(body.Resources.length);
  return names(body);
};

describe('filters over users (RFC 7644 §3.4.2.2)', () => {
  it.each<[string, string[]]>([
    ['userName eq "ADA"', ['ada']],
    ['userName eq "bob"', ['Bob']],
    ['userName eq "ÉLODIE"', ['élodie']],
    ['userName ne "ada"', ['Bob', 'carol', 'dave', 'élodie', 'frank']],
    ['userName co "A"', ['ada', 'carol', 'dave', 'frank']],
    ['userName sw "CA"', ['carol']],
    ['userName ew "e"', ['dave', 'élodie']],
    ['userName gt "carol"', ['dave', 'élodie', 'frank']],
    ['userName ge "carol" and userName lt "e"', ['carol', 'dave']],
    ['userName le "ada"', ['ada']],
    [`${URN}:userName eq "ada"`, ['ada']],
    ['externalId eq "E-1"', ['ada']],
    ['externalId eq "e-1"', ['frank']],
    ['externalId pr', ['ada', 'Bob', 'frank']],
    ['not (externalId pr)', ['carol', 'dave', 'élodie']],
    ['externalId ne "E-1"', ['Bob', 'carol', 'dave', 'élodie', 'frank']],
    ['externalId eq null', ['carol', 'dave', 'élodie']],
    ['displayName co "%"', ['Bob']],
    ['displayName co "_"', ['carol']],
    ['displayName ew "50%"', ['Bob']],
    ['nickName co "\\\\"', ['dave']],
    ['title eq "ingénieure"', ['élodie']],
    ['title pr and not (title eq "Dr")', ['ada', 'élodie']],
    ['active eq true', ['ada', 'Bob', 'dave', 'élodie', 'frank']],
    ['active eq false', ['carol']],
    ['active eq "False"', ['carol']],
    ['active ne true', ['carol']],
    ['name.familyName eq "lovelace"', ['ada']],
    ['name pr', ['ada']],
    ['emails eq "ADA@acme.example"', ['ada']],
    ['emails.value eq "bob@acme.example"', ['Bob']],
    ['emails co "acme"', ['ada', 'Bob']],
    ['emails[type eq "work"].value eq "ada@acme.example"', ['ada']],
    ['emails[type eq "home"].value eq "ada@acme.example"', []],
    ['emails[type eq "home" and value ew "home.example"]', ['ada', 'carol']],
    ['emails[not (type eq "work")]', ['ada', 'carol']],
    ['emails[primary eq true]', ['ada']],
    ['emails.type eq "work"', ['ada', 'Bob']],
    ['emails pr', ['ada', 'Bob', 'carol']],
    ['not (emails pr)', ['dave', 'élodie', 'frank']],
    ['phoneNumbers[type eq "mobile"]', ['carol']],
    ['roles[primary eq "True"].value eq "editor"', ['Bob']],
    ['roles eq "EDITOR"', ['Bob']],
    ['addresses[country eq "fr"]', ['élodie']],
    ['addresses.locality sw "par"', ['élodie']],
    [`${ENTERPRISE}:department eq "sales"`, ['frank']],
    [`${ENTERPRISE}:employeeNumber eq 1815`, ['ada']],
    [`${ENTERPRISE}:manager.value eq "m-1"`, ['ada']],
    [`${ENTERPRISE}:manager eq "M-1"`, []],
    ['groups.display eq "analysts"', ['ada', 'Bob']],
    ['groups pr', ['ada', 'Bob']],
    ['not (groups pr) and active eq true', ['dave', 'élodie', 'frank']],
    [`schemas eq "${ENTERPRISE}"`, ['ada', 'frank']],
    ['meta.resourceType eq "User"', ['ada', 'Bob', 'carol', 'dave', 'élodie', 'frank']],
    ['meta.created gt "2020-01-01T00:00:00Z"', ['ada', 'Bob', 'carol', 'dave', 'élodie', 'frank']],
    ['meta.lastModified lt "2020-01-01T00:00:00+02:00"', []],
    ['userType eq "Employee" or title eq "Dr" and nickName pr', ['Bob', 'dave']],
    ['(userType eq "Employee" or title eq "Dr") and not (nickName pr)', ['Bob']],
    ['id eq "nobody"', []],
    ['userName eq "nobody"', []],
    ['userName eq "\' or true --"', []],
  ])('%s', async (filter, found) => {
    expect(await find(filter)).toEqual(found);
  });

  it('finds by id and by group', async () => {
    expect(await find(`id eq "${ids.ada}"`)).toEqual(['ada']);
    expect(await find(`id ne "${ids.ada}" and groups.value eq "${groupId}"`)).toEqual(['Bob']);
    expect(await find(`groups[value eq "${groupId}"] and userName sw "a"`)).toEqual(['ada']);
  });

  it.each([
    'userName',
    'userName eq',
    'nonsense eq "x"',
    'emails.nonsense eq "x"',
    'password eq "x"',
    'meta.location eq "x"',
    'meta.version eq "x"',
    'groups.$ref eq "x"',
    'members eq "x"',
    'active gt true',
    'name eq "x"',
    'meta.created gt "yesterday"',
    `userName eq "${'x'.repeat(4_096)}"`,
    `${'('.repeat(20)}userName pr${')'.repeat(20)}`,
    Array.from({ length: 300 }, () => 'title pr').join(' or '),
  ])('refuses %s', async (filter) => {
    const { status, body } = await list(`filter=${encodeURIComponent(filter)}`);
    expect({ status, scimType: body.scimType }).toEqual({ status: 400, scimType: 'invalidFilter' });
    expect(body).not.toHaveProperty('Resources');
  });
});

describe('filters over groups', () => {
  it.each<[string, string[]]>([
    ['displayName eq "analysts"', ['Analysts']],
    ['displayName sw "e"', ['Empty']],
    ['members pr', ['Analysts']],
    ['not (members pr)', ['Empty']],
    ['members.display eq "ADA"', ['Analysts']],
    ['members[type eq "User"]', ['Analysts']],
    ['externalId eq null', ['Analysts', 'Empty']],
    ['meta.resourceType eq "Group"', ['Analysts', 'Empty']],
    ['displayName eq "nobody"', []],
  ])('%s', async (filter, found) => {
    const { body } = await scene.acme.get(`/Groups?filter=${encodeURIComponent(filter)}`);
    expect(body.Resources.map(({ displayName }: { displayName: string }) => displayName)).toEqual(
      found,
    );
  });

  it('finds by id and member, as Entra asks', async () => {
    const filter = `id eq "${groupId}" and members eq "${ids.ada}"`;
    const { body } = await scene.acme.get(
      `/Groups?excludedAttributes=members&filter=${encodeURIComponent(filter)}`,
    );
    expect(body).toMatchObject({ totalResults: 1, Resources: [{ id: groupId }] });
    expect(body.Resources[0]).not.toHaveProperty('members');
    const none = await scene.acme.get(
      `/Groups?filter=${encodeURIComponent(`members eq "${ids.carol}"`)}`,
    );
    expect(none.body.totalResults).toBe(0);
  });
});

describe('pages by index (RFC 7644 §3.4.2.4)', () => {
  it.each<[string, { total: number; start: number; names: string[] }]>([
    ['', { total: 6, start: 1, names: ['ada', 'Bob', 'carol', 'dave', 'élodie', 'frank'] }],
    ['startIndex=1&count=2', { total: 6, start: 1, names: ['ada', 'Bob'] }],
    ['startIndex=3&count=2', { total: 6, start: 3, names: ['carol', 'dave'] }],
    ['startIndex=6&count=2', { total: 6, start: 6, names: ['frank'] }],
    ['startIndex=7&count=2', { total: 6, start: 7, names: [] }],
    ['startIndex=0&count=1', { total: 6, start: 1, names: ['ada'] }],
    ['startIndex=-3&count=1', { total: 6, start: 1, names: ['ada'] }],
    ['count=0', { total: 6, start: 1, names: [] }],
    ['count=-5', { total: 6, start: 1, names: [] }],
    [
      'count=100000',
      { total: 6, start: 1, names: ['ada', 'Bob', 'carol', 'dave', 'élodie', 'frank'] },
    ],
    ['filter=title pr&startIndex=2&count=1', { total: 3, start: 2, names: ['dave'] }],
    ['filter=title pr&count=0', { total: 3, start: 1, names: [] }],
    ['filter=userName eq "nobody"', { total: 0, start: 1, names: [] }],
  ])('%s', async (query, { total, start, names: expected }) => {
    const { status, body } = await list(query);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schemas: [LIST],
      totalResults: total,
      startIndex: start,
      itemsPerPage: expected.length,
    });
    expect(names(body)).toEqual(expected);
  });

  it.each(['count=x', 'startIndex=x', 'count=1.5', 'count=1e3'])('refuses %s', async (query) => {
    expect((await list(query)).status).toBe(400);
  });
});

it('walks by index from wherever it is nearest, and passes over nobody who is there all the time', async () => {
  const walk = async (step: (startIndex: number) => Promise<void>): Promise<string[]> => {
    const seen: string[] = [];
    for (let startIndex = 1; startIndex <= 6; startIndex += 2) {
      seen.push(
        ...names((await list(`startIndex=${startIndex}&count=2&attributes=userName`)).body),
      );
      await step(startIndex);
    }
    return seen;
  };
  expect(await walk(async () => undefined)).toEqual([
    'ada',
    'Bob',
    'carol',
    'dave',
    'élodie',
    'frank',
  ]);
  const extra = await scene.acme.user('zz-extra');
  expect((await list('startIndex=7&count=5')).body).toMatchObject({
    totalResults: 7,
    itemsPerPage: 1,
    Resources: [{ id: extra }],
  });
  expect(names((await list('startIndex=5&count=2')).body)).toEqual(['élodie', 'frank']);
  expect(names((await list('startIndex=6&count=1')).body)).toEqual(['frank']);
  await scene.acme.delete(`/Users/${extra}`);
  expect((await list('startIndex=7&count=5')).body).toMatchObject({
    totalResults: 6,
    itemsPerPage: 0,
  });
});

describe('pages by cursor (RFC 9865)', () => {
  async function walk(query: string): Promise<string[][]> {
    const pages: string[][] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const { status, body } = await list(`${query}&cursor=${cursor}`);
      expect(status).toBe(200);
      expect(body).not.toHaveProperty('startIndex');
      pages.push(names(body));
      cursor = body.nextCursor;
    }
    return pages;
  }

  it.each<[string, string[][]]>([
    [
      'count=2',
      [
        ['ada', 'Bob'],
        ['carol', 'dave'],
        ['élodie', 'frank'],
      ],
    ],
    [
      'count=4',
      [
        ['ada', 'Bob', 'carol', 'dave'],
        ['élodie', 'frank'],
      ],
    ],
    ['count=10', [['ada', 'Bob', 'carol', 'dave', 'élodie', 'frank']]],
    ['count=2&filter=title pr', [['ada', 'dave'], ['élodie']]],
    [
      'count=4&sortBy=userName&sortOrder=descending',
      [
        ['élodie', 'frank', 'dave', 'carol'],
        ['Bob', 'ada'],
      ],
    ],
    ['count=2&filter=userName eq "nobody"', [[]]],
  ])('%s', async (query, pages) => {
    expect(await walk(query)).toEqual(pages);
  });

  it('goes on behind what was seen, whatever goes meanwhile', async () => {
    const first = await list('count=2&cursor=');
    const extra = await scene.acme.user('zed');
    await scene.acme.delete(`/Users/${extra}`);
    const { body } = await list(`count=2&cursor=${first.body.nextCursor}`);
    expect(names(body)).toEqual(['carol', 'dave']);
  });

  it.each<[string, (cursor: string) => string]>([
    ['another filter', (cursor) => `filter=title pr&cursor=${cursor}`],
    ['another order', (cursor) => `sortBy=userName&cursor=${cursor}`],
    ['a cursor that was changed', (cursor) => `cursor=${cursor.slice(0, -2)}xx`],
    ['a cursor that was made up', () => 'cursor=abcdef'],
  ])('refuses %s', async (_name, query) => {
    const { body } = await list('count=2&cursor=');
    expect(await list(query(body.nextCursor))).toMatchObject({
      status: 400,
      body: { scimType: 'invalidCursor' },
    });
  });

  it('refuses the cursor of another connection', async () => {
    const { body } = await list('count=2&cursor=');
    const globex = scene.client(await scene.token('globex'));
    expect((await globex.get(`/Users?cursor=${body.nextCursor}`)).body.scimType).toBe(
      'invalidCursor',
    );
  });

  it('refuses a page of nothing', async () => {
    expect((await list('cursor=&count=0')).body.scimType).toBe('invalidCount');
  });
});

describe('sorting (RFC 7644 §3.4.2.3)', () => {
  it.each<[string, string[]]>([
    ['sortBy=userName', ['ada', 'Bob', 'carol', 'dave', 'frank', 'élodie']],
    ['sortBy=USERNAME&sortOrder=Descending', ['élodie', 'frank', 'dave', 'carol', 'Bob', 'ada']],
    ['sortBy=title', ['ada', 'dave', 'élodie', 'Bob', 'carol', 'frank']],
    ['sortBy=title&sortOrder=descending', ['Bob', 'carol', 'frank', 'élodie', 'dave', 'ada']],
    ['sortBy=emails&filter=emails pr', ['ada', 'Bob', 'carol']],
    ['sortBy=meta.created&sortOrder=descending&count=2', ['frank', 'élodie']],
    [`sortBy=${ENTERPRISE}:department&count=2`, ['ada', 'frank']],
  ])('%s', async (query, expected) => {
    expect(names((await list(query)).body)).toEqual(expected);
  });

  it.each(['sortBy=nonsense', 'sortBy=meta.location', 'sortBy=groups'])(
    'refuses %s',
    async (query) => {
      expect((await list(query)).status).toBe(400);
    },
  );
});

describe('POST /.search (RFC 7644 §3.4.3)', () => {
  const search = (path: string, more: object) =>
    scene.acme.post(path, { schemas: [SEARCH], ...more });

  it('answers as GET does', async () => {
    const { status, body } = await search('/Users/.search', {
      filter: 'title pr',
      attributes: ['userName'],
      sortBy: 'userName',
      sortOrder: 'descending',
      startIndex: 1,
      count: 2,
    });
    expect(status).toBe(200);
    expect(names(body)).toEqual(['élodie', 'dave']);
    expect(Object.keys(body.Resources[0]).sort()).toEqual(['id', 'schemas', 'userName']);
    expect(body.totalResults).toBe(3);
  });

  it('searches groups, and everything together', async () => {
    const groups = await search('/Groups/.search', {
      filter: 'displayName sw "a"',
      excludedAttributes: ['members'],
    });
    expect(groups.body).toMatchObject({ totalResults: 1, Resources: [{ id: groupId }] });
    const all = await search('/.search', { filter: 'displayName sw "a"' });
    expect(all.body).toMatchObject({
      totalResults: 2,
      Resources: [{ id: ids.ada }, { id: groupId }],
    });
    const paged = await search('/.search', { startIndex: 6, count: 2 });
    expect(paged.body).toMatchObject({
      totalResults: 8,
      itemsPerPage: 2,
      Resources: [{ userName: 'frank' }, { displayName: 'Analysts' }],
    });
    const unfit = await search('/.search', { filter: 'userName pr' });
    expect(unfit).toMatchObject({ status: 400, body: { scimType: 'invalidFilter' } });
  });

  it('refuses what is no search', async () => {
    expect((await scene.acme.post('/Users/.search', { filter: 'title pr' })).body.scimType).toBe(
      'invalidSyntax',
    );
    expect((await scene.acme.get('/.search')).status).toBe(405);
  });
});
