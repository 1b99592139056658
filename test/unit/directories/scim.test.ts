import type { Directory } from '@rollcall/sweeper/directories/port';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scimError } from '../../conformance/directories/scim-server.ts';
import {
  htmlPage,
  json,
  type Scripted,
  type ScriptedRequest,
  ScriptedServer,
} from '../../conformance/directories/scripted-server.ts';
import { addsUp, listingError, lookUp, readListing } from '../../conformance/directory-contract.ts';

type Row = Readonly<Record<string, unknown>>;

const NOT_SAID: Row = { schemas: [] };
let server: ScriptedServer;
let config: Scripted;
let users: (request: ScriptedRequest) => Scripted;
let groups: (request: ScriptedRequest) => Scripted;
beforeEach(async () => {
  config = json(200, NOT_SAID);
  users = page([user('a'), user('b'), user('c'), user('d'), user('e')]);
  groups = () => scimError(404);
  server = await ScriptedServer.start((request) => {
    if (request.path === '/ServiceProviderConfig') return config;
    return request.path.startsWith('/Groups') ? groups(request) : users(request);
  });
});
afterEach(() => server.close());

function open(assignmentGroup: string | null = null, pageSize = 2): Directory {
  const token = async (): Promise<string> => 'token';
  return scimDirectory({ url: server.url, token, assignmentGroup, timeoutMs: 2_000, pageSize });
}

function user(id: string, more: Row = {}): Row {
  return { id, userName: id, ...more };
}

/** A listing by index, and look-ups in it. */
function page(rows: readonly Row[]) {
  return ({ path, query }: ScriptedRequest): Scripted => {
    const [, , id] = path.split('/');
    if (id !== undefined) {
      const row = rows.find((one) => one.id === id);
      return row === undefined ? scimError(404) : json(200, row);
    }
    const startIndex = Number(query.get('startIndex') ?? 1);
    const Resources = rows.slice(startIndex - 1, startIndex - 1 + Number(query.get('count')));
    return json(200, { totalResults: rows.length, startIndex, Resources });
  };
}

async function listedIds(directory: Directory): Promise<readonly string[]> {
  const listing = await readListing(directory);
  expect(addsUp(listing)).toBe(true);
  return listing.members.map(({ id }) => id);
}

describe('how it pages', () => {
  it('sorts by id only where the server can', async () => {
    await listedIds(open());
    expect(server.requests.some(({ query }) => query.has('sortBy'))).toBe(false);
    config = json(200, { sort: { supported: true } });
    await listedIds(open());
    expect(server.requests.some(({ query }) => query.get('sortBy') === 'id')).toBe(true);
  });

  it('asks a server without /ServiceProviderConfig in the plainest way', async () => {
    config = htmlPage(404);
    expect(await listedIds(open())).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('does not guess where /ServiceProviderConfig fails', async () => {
    config = json(503, {});
    expect((await listingError(open())).fault).toBe('request_failed');
  });

  it('asks for no more rows than the server gives', async () => {
    config = json(200, { pagination: { index: true, maxPageSize: 3 } });
    await listedIds(open(null, 1_000));
    const asked = server.requests.filter(({ path }) => path === '/Users');
    expect(asked.map(({ query }) => query.get('count'))).toEqual(['3', '3']);
  });

  it('advances by what it received where the server gives less than asked', async () => {
    const small = page([user('a'), user('b'), user('c'), user('d'), user('e')]);
    users = (request) => {
      request.query.set('count', '2');
      return small(request);
    };
    expect(await listedIds(open(null, 100))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('lists with pages of one row', async () => {
    expect(await listedIds(open(null, 1))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it.each<[string, (startIndex: number) => Scripted | null]>([
    [
      'refuses any other start',
      (start) => (start % 2 === 1 ? null : scimError(400, 'invalidValue')),
    ],
    ['says where it began', (start) => (start % 2 === 1 ? null : at(start - 1, start - 1))],
    ['does not say where it began', (start) => (start % 2 === 1 ? null : at(start - 1, undefined))],
  ])('reads twice where the server pages only from whole pages and %s', async (_name, other) => {
    const whole = page([user('a'), user('b'), user('c'), user('d'), user('e')]);
    users = (request) => other(Number(request.query.get('startIndex'))) ?? whole(request);
    expect(await listedIds(open())).toEqual(['a', 'b', 'c', 'd', 'e']);
    const starts = server.requests.flatMap(({ query }) => query.get('startIndex') ?? []);
    expect(starts).toEqual(['1', '2', '3', '5', '1', '3', '5']);
  });

  function at(from: number, startIndex: number | undefined): Scripted {
    const rows = ['a', 'b', 'c', 'd', 'e'].slice(from - 1, from + 1);
    return json(200, { totalResults: 5, startIndex, Resources: rows.map((id) => user(id)) });
  }

  it('throws where such a server lists others at the second reading', async () => {
    let rows = ['a', 'b', 'c', 'd', 'e'].map((id) => user(id));
    users = (request) => {
      const start = Number(request.query.get('startIndex'));
      if (start % 2 === 0) return scimError(400);
      // One in front leaves after the first page and one joins at the end: the total stays.
      if (start === 3) rows = ['b', 'c', 'd', 'e', 'f'].map((id) => user(id));
      return page(rows)(request);
    };
    const error = await listingError(open());
    expect(error).toMatchObject({ fault: 'cursor_broken' });
    expect(error.message).toContain('second time');
  });

  it.each<[string, object]>([
    ['no totalResults', { Resources: [user('a')] }],
    ['a negative total', { totalResults: -1, Resources: [] }],
    ['a total as text', { totalResults: '1', Resources: [user('a')] }],
    ['no Resources for a total', { totalResults: 1 }],
    ['Resources that are no list', { totalResults: 1, Resources: { id: 'a' } }],
  ])('throws at %s', async (_name, body) => {
    users = () => json(200, body);
    expect((await listingError(open())).fault).toBe('malformed_answer');
  });

  it.each<[string, object]>([
    ['more rows than announced', { totalResults: 1, Resources: [user('a'), user('b')] }],
    ['no rows for a total', { totalResults: 2, Resources: [] }],
  ])('throws at %s', async (_name, body) => {
    users = () => json(200, body);
    expect((await listingError(open())).fault).toBe('cursor_broken');
  });

  it('accepts that nobody is there, with and without Resources', async () => {
    for (const body of [{ totalResults: 0 }, { totalResults: 0, Resources: [] }]) {
      users = () => json(200, body);
      expect(await listedIds(open())).toEqual([]);
    }
  });
});

describe('how it follows cursors', () => {
  beforeEach(() => {
    config = json(200, { pagination: { cursor: true, defaultPaginationMethod: 'cursor' } });
  });

  function chain(next: Readonly<Record<string, string | undefined>>, total?: number) {
    return ({ query }: ScriptedRequest): Scripted => {
      const cursor = query.get('cursor') ?? 'missing';
      const Resources = [user(`id${cursor}`)];
      return json(200, { totalResults: total, Resources, nextCursor: next[cursor] });
    };
  }

  it('begins with an empty cursor and ends where there is no next one', async () => {
    users = chain({ '': 'x', x: 'y', y: undefined });
    const listing = await readListing(open());
    expect(listing.members.map(({ id }) => id)).toEqual(['id', 'idx', 'idy']);
    expect(listing).toMatchObject({ terminalPageSeen: true, announcedTotal: null });
  });

  it('repeats its parameters and sends no index', async () => {
    users = chain({ '': 'x' });
    await readListing(open());
    for (const { query } of server.requests.filter(({ path }) => path === '/Users')) {
      expect(query.get('count')).toBe('2');
      expect(query.has('startIndex')).toBe(false);
    }
  });

  it('uses cursors where the server has no indexes, and indexes where those are the default', async () => {
    config = json(200, { pagination: { cursor: true, index: false } });
    users = chain({});
    await readListing(open());
    const asked = () => server.requests.filter(({ path }) => path === '/Users').at(-1)?.query;
    expect(asked()?.get('cursor')).toBe('');
    config = json(200, {
      pagination: { cursor: true, index: true, defaultPaginationMethod: 'index' },
    });
    users = page([user('a')]);
    await readListing(open());
    expect(asked()?.get('startIndex')).toBe('1');
  });

  it('throws where a cursor is repeated', async () => {
    users = () =>
      json(200, {
        Resources: [user(`id${server.requests.length}`)],
        nextCursor: 'x',
      });
    expect((await listingError(open())).message).toContain('cursor was repeated');
  });

  it.each(['expiredCursor', 'invalidCursor'])('throws on %s', async (scimType) => {
    const healthy = chain({ '': 'x' });
    users = (request) =>
      request.query.get('cursor') === 'x' ? scimError(400, scimType) : healthy(request);
    expect((await listingError(open())).fault).toBe('cursor_broken');
  });

  it('throws where the total changes on the way', async () => {
    users = ({ query }) => {
      const first = query.get('cursor') === '';
      const Resources = [user(first ? 'a' : 'b')];
      return json(200, {
        totalResults: first ? 2 : 3,
        Resources,
        nextCursor: first ? 'x' : undefined,
      });
    };
    expect((await listingError(open())).fault).toBe('cursor_broken');
  });
});

describe('what it makes of people', () => {
  it('takes only a false for disabled, whatever the case of the name', async () => {
    users = page([
      user('a'),
      user('b', { active: true }),
      user('c', { active: false }),
      user('d', { active: null }),
      user('e', { Active: false }),
    ]);
    const { members } = await readListing(open());
    expect(members.map(({ standing }) => standing)).toEqual([
      'present',
      'present',
      'disabled',
      'present',
      'disabled',
    ]);
  });

  it('does not take an empty answer for a person who is there', async () => {
    users = () => json(200, {});
    expect((await lookUp(open(), 'a')).standing).toBe('unknown');
  });
});

describe('what it makes of groups', () => {
  const team = (id: string, displayName: string, members?: readonly string[]): Row => ({
    id,
    displayName,
    ...(members === undefined ? {} : { members: members.map((value) => ({ value })) }),
  });

  async function groupsOf(directory: Directory): Promise<Record<string, unknown>> {
    const { members } = await readListing(directory);
    return Object.fromEntries(members.map(({ id, groups: names }) => [id, names]));
  }

  it('does not know them where the server has none', async () => {
    expect(await groupsOf(open())).toEqual({ a: null, b: null, c: null, d: null, e: null });
    expect((await lookUp(open(), 'a')).groups).toBeNull();
  });

  it('throws where /Groups fails, and does not take that for a server without groups', async () => {
    for (const answer of [json(500, {}), json(403, {}), htmlPage(404), json(404, {})]) {
      groups = () => answer;
      expect((await listingError(open())).fault).toMatch(/request_failed|forbidden/);
      expect((await lookUp(open(), 'a')).standing).toBe('unknown');
    }
  });

  it('follows groups in groups, around a circle too', async () => {
    groups = page([
      team('g1', 'parents', ['g2', 'a']),
      team('g2', 'children', ['g3', 'b']),
      team('g3', 'grandchildren', ['g1', 'c']),
    ]);
    const all = ['parents', 'children', 'grandchildren'];
    expect(await groupsOf(open())).toEqual({ a: all, b: all, c: all, d: [], e: [] });
  });

  it('asks for the members of each group where the listing leaves them out', async () => {
    const whole = [team('g1', 'analysts', ['a']), team('g2', 'empty')];
    groups = (request) =>
      request.path === '/Groups'
        ? page([team('g1', 'analysts'), team('g2', 'empty')])(request)
        : page(whole)(request);
    expect(await groupsOf(open())).toMatchObject({ a: ['analysts'], b: [] });
  });

  it('does not know them where no group shows a member', async () => {
    groups = page([team('g1', 'analysts'), team('g2', 'editors')]);
    expect(await groupsOf(open())).toMatchObject({ a: null });
  });

  it('reads /Groups only for people whose own entry says nothing', async () => {
    users = page([user('a', { groups: [{ value: 'g1', display: 'analysts' }] }), user('b')]);
    groups = page([team('g1', 'analysts', ['a']), team('g2', 'editors', ['b'])]);
    expect(await groupsOf(open())).toEqual({ a: ['analysts'], b: ['editors'] });
    users = page([user('a', { groups: [] })]);
    const before = server.requests.length;
    expect(await groupsOf(open())).toEqual({ a: [] });
    expect(server.requests.slice(before).some(({ path }) => path === '/Groups')).toBe(false);
  });

  it('finds the name of a group that is given by id alone', async () => {
    users = page([user('a', { groups: [{ value: 'g1' }] })]);
    groups = page([team('g1', 'analysts')]);
    expect(await groupsOf(open())).toEqual({ a: ['analysts'] });
    groups = page([team('g9', 'others')]);
    expect((await listingError(open())).fault).toBe('malformed_answer');
  });

  it.each<[string, readonly Row[]]>([
    ['none', [team('g1', 'analysts', ['a'])]],
    ['two', [team('g1', 'app', ['a']), team('g2', 'app', ['b'])]],
    ['one in another case', [team('g1', 'App', ['a'])]],
  ])('throws where there is %s of the assignment group', async (_name, rows) => {
    groups = page(rows);
    const error = await listingError(open('app'));
    expect(error.message).toContain('exactly one assignment group called "app"');
    expect((await lookUp(open('app'), 'b')).standing).toBe('unknown');
    await expect(open('app').fingerprint(AbortSignal.timeout(5_000))).rejects.toMatchObject({
      fault: 'malformed_answer',
    });
  });

  it('calls nobody unassigned where nothing says who is assigned', async () => {
    groups = page([team('g1', 'app')]);
    const error = await listingError(open('app'));
    expect(error).toMatchObject({ fault: 'malformed_answer' });
    expect((await lookUp(open('app'), 'a')).standing).toBe('unknown');
    groups = () => scimError(404);
    expect((await listingError(open('app'))).message).toContain('without /Groups');
  });

  it('tells the assignment group by its id, and keeps it out of the groups', async () => {
    users = page([
      user('a', { groups: [{ value: 'g1', display: 'shown otherwise' }] }),
      user('b', { groups: [{ value: 'g2', display: 'app' }] }),
      user('c', { groups: [{ display: 'app' }] }),
      user('d', { groups: [] }),
      user('e', { groups: [], active: false }),
    ]);
    groups = page([team('g1', 'app'), team('g2', 'analysts')]);
    const { members } = await readListing(open('app'));
    expect(members.map(({ standing, groups: names }) => [standing, names])).toEqual([
      ['present', []],
      ['unassigned', ['app']],
      ['present', []],
      ['unassigned', []],
      ['disabled', []],
    ]);
  });
});

describe('its fingerprint', () => {
  it('changes with the server, the account, the group and what the server says of itself', async () => {
    groups = page([{ id: 'g1', displayName: 'app' }]);
    const signal = AbortSignal.timeout(10_000);
    const options = { url: server.url, assignmentGroup: null, timeoutMs: 2_000, pageSize: 2 };
    const one = await scimDirectory({ ...options, token: async () => 'one' }).fingerprint(signal);
    const two = await scimDirectory({ ...options, token: async () => 'two' }).fingerprint(signal);
    const app = await open('app').fingerprint(signal);
    groups = page([{ id: 'g2', displayName: 'app' }]);
    const another = await open('app').fingerprint(signal);
    config = json(200, { sort: { supported: true } });
    const sorted = await open('app').fingerprint(signal);
    expect(new Set([one, two, app, another, sorted]).size).toBe(5);
  });

  it('reads the token again, so that another account between two of them shows', async () => {
    let token = 'first';
    const options = { url: server.url, assignmentGroup: null, timeoutMs: 2_000, pageSize: 2 };
    const directory = scimDirectory({ ...options, token: async () => token });
    const signal = AbortSignal.timeout(10_000);
    const before = await directory.fingerprint(signal);
    token = 'second';
    expect(await directory.fingerprint(signal)).not.toBe(before);
  });
});
