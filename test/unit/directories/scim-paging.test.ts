import type { Directory } from '@rollcall/sweeper/directories/port';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scimError } from '../../conformance/directories/scim-server.ts';
import {
  htmlPage,
  json,
  type Scripted,
  type ScriptedRequest,
} from '../../conformance/directories/scripted-server.ts';
import { addsUp, listingError, readListing } from '../../conformance/directory-contract.ts';
import { page, ScimScript, user } from './scim-script.ts';

let script: ScimScript;
beforeEach(async () => {
  script = await ScimScript.start();
});
afterEach(() => script.server.close());

async function listedIds(directory: Directory): Promise<readonly string[]> {
  const listing = await readListing(directory);
  expect(addsUp(listing)).toBe(true);
  return listing.members.map(({ id }) => id);
}

describe('how it pages', () => {
  it('sorts by id only where the server can', async () => {
    await listedIds(script.open());
    expect(script.server.requests.some(({ query }) => query.has('sortBy'))).toBe(false);
    script.config = json(200, { sort: { supported: true } });
    await listedIds(script.open());
    expect(script.server.requests.some(({ query }) => query.get('sortBy') === 'id')).toBe(true);
  });

  it('asks a server without /ServiceProviderConfig in the plainest way', async () => {
    script.config = htmlPage(404);
    expect(await listedIds(script.open())).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('does not guess where /ServiceProviderConfig fails', async () => {
    script.config = json(503, {});
    expect((await listingError(script.open())).fault).toBe('request_failed');
  });

  it('asks for no more rows than the server gives', async () => {
    script.config = json(200, { pagination: { index: true, maxPageSize: 3 } });
    await listedIds(script.open(null, 1_000));
    const asked = script.server.requests.filter(({ path }) => path === '/Users');
    expect(asked.map(({ query }) => query.get('count'))).toEqual(['3', '3']);
  });

  it('advances by what it received where the server gives less than asked', async () => {
    const small = page([user('a'), user('b'), user('c'), user('d'), user('e')]);
    script.users = (request) => {
      request.query.set('count', '2');
      return small(request);
    };
    expect(await listedIds(script.open(null, 100))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('lists with pages of one row', async () => {
    expect(await listedIds(script.open(null, 1))).toEqual(['a', 'b', 'c', 'd', 'e']);
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
    script.users = (request) => other(Number(request.query.get('startIndex'))) ?? whole(request);
    expect(await listedIds(script.open())).toEqual(['a', 'b', 'c', 'd', 'e']);
    const starts = script.server.requests.flatMap(({ query }) => query.get('startIndex') ?? []);
    expect(starts).toEqual(['1', '2', '3', '5', '1', '3', '5']);
  });

  function at(from: number, startIndex: number | undefined): Scripted {
    const rows = ['a', 'b', 'c', 'd', 'e'].slice(from - 1, from + 1);
    return json(200, { totalResults: 5, startIndex, Resources: rows.map((id) => user(id)) });
  }

  it('throws where such a server lists others at the second reading', async () => {
    let rows = ['a', 'b', 'c', 'd', 'e'].map((id) => user(id));
    script.users = (request) => {
      const start = Number(request.query.get('startIndex'));
      if (start % 2 === 0) return scimError(400);
      // One in front leaves after the first page and one joins at the end: the total stays.
      if (start === 3) rows = ['b', 'c', 'd', 'e', 'f'].map((id) => user(id));
      return page(rows)(request);
    };
    const error = await listingError(script.open());
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
    script.users = () => json(200, body);
    expect((await listingError(script.open())).fault).toBe('malformed_answer');
  });

  it.each<[string, object]>([
    ['more rows than announced', { totalResults: 1, Resources: [user('a'), user('b')] }],
    ['no rows for a total', { totalResults: 2, Resources: [] }],
  ])('throws at %s', async (_name, body) => {
    script.users = () => json(200, body);
    expect((await listingError(script.open())).fault).toBe('cursor_broken');
  });

  it('accepts that nobody is there, with and without Resources', async () => {
    for (const body of [{ totalResults: 0 }, { totalResults: 0, Resources: [] }]) {
      script.users = () => json(200, body);
      expect(await listedIds(script.open())).toEqual([]);
    }
  });
});

describe('how it follows cursors', () => {
  beforeEach(() => {
    script.config = json(200, { pagination: { cursor: true, defaultPaginationMethod: 'cursor' } });
  });

  function chain(next: Readonly<Record<string, string | undefined>>, total?: number) {
    return ({ query }: ScriptedRequest): Scripted => {
      const cursor = query.get('cursor') ?? 'missing';
      const Resources = [user(`id${cursor}`)];
      return json(200, { totalResults: total, Resources, nextCursor: next[cursor] });
    };
  }

  it('begins with an empty cursor and ends where there is no next one', async () => {
    script.users = chain({ '': 'x', x: 'y', y: undefined });
    const listing = await readListing(script.open());
    expect(listing.members.map(({ id }) => id)).toEqual(['id', 'idx', 'idy']);
    expect(listing).toMatchObject({ terminalPageSeen: true, announcedTotal: null });
  });

  it('repeats its parameters and sends no index', async () => {
    script.users = chain({ '': 'x' });
    await readListing(script.open());
    for (const { query } of script.server.requests.filter(({ path }) => path === '/Users')) {
      expect(query.get('count')).toBe('2');
      expect(query.has('startIndex')).toBe(false);
    }
  });

  it('uses cursors where the server has no indexes, and indexes where those are the default', async () => {
    script.config = json(200, { pagination: { cursor: true, index: false } });
    script.users = chain({});
    await readListing(script.open());
    const asked = () =>
      script.server.requests.filter(({ path }) => path === '/Users').at(-1)?.query;
    expect(asked()?.get('cursor')).toBe('');
    script.config = json(200, {
      pagination: { cursor: true, index: true, defaultPaginationMethod: 'index' },
    });
    script.users = page([user('a')]);
    await readListing(script.open());
    expect(asked()?.get('startIndex')).toBe('1');
  });

  it('throws where a cursor is repeated', async () => {
    script.users = () =>
      json(200, {
        Resources: [user(`id${script.server.requests.length}`)],
        nextCursor: 'x',
      });
    expect((await listingError(script.open())).message).toContain('cursor was repeated');
  });

  it.each(['expiredCursor', 'invalidCursor'])('throws on %s', async (scimType) => {
    const healthy = chain({ '': 'x' });
    script.users = (request) =>
      request.query.get('cursor') === 'x' ? scimError(400, scimType) : healthy(request);
    expect((await listingError(script.open())).fault).toBe('cursor_broken');
  });

  it('throws where the total changes on the way', async () => {
    script.users = ({ query }) => {
      const first = query.get('cursor') === '';
      const Resources = [user(first ? 'a' : 'b')];
      return json(200, {
        totalResults: first ? 2 : 3,
        Resources,
        nextCursor: first ? 'x' : undefined,
      });
    };
    expect((await listingError(script.open())).fault).toBe('cursor_broken');
  });
});
