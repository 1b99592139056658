import type { Directory } from '@rollcall/sweeper/directories/port';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scimError } from '../../conformance/directories/scim-server.ts';
import { htmlPage, json } from '../../conformance/directories/scripted-server.ts';
import { addsUp, listingError, lookUp, readListing } from '../../conformance/directory-contract.ts';
import { page, type Row, ScimScript, user } from './scim-script.ts';

let script: ScimScript;
beforeEach(async () => {
  script = await ScimScript.start();
});
afterEach(() => script.server.close());

describe('what it makes of people', () => {
  it('takes only a false for disabled, whatever the case of the name', async () => {
    script.users = page([
      user('a'),
      user('b', { active: true }),
      user('c', { active: false }),
      user('d', { active: null }),
      user('e', { Active: false }),
    ]);
    const { members } = await readListing(script.open());
    expect(members.map(({ standing }) => standing)).toEqual([
      'present',
      'present',
      'disabled',
      'present',
      'disabled',
    ]);
  });

  it('does not take an empty answer for a person who is there', async () => {
    script.users = () => json(200, {});
    expect((await lookUp(script.open(), 'a')).standing).toBe('unknown');
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
    expect(await groupsOf(script.open())).toEqual({ a: null, b: null, c: null, d: null, e: null });
    expect((await lookUp(script.open(), 'a')).groups).toBeNull();
  });

  it('throws where /Groups fails, and does not take that for a server without groups', async () => {
    for (const answer of [json(500, {}), json(403, {}), htmlPage(404), json(404, {})]) {
      script.groups = () => answer;
      expect((await listingError(script.open())).fault).toMatch(/request_failed|forbidden/);
      expect((await lookUp(script.open(), 'a')).standing).toBe('unknown');
    }
  });

  it('follows groups in groups, around a circle too', async () => {
    script.groups = page([
      team('g1', 'parents', ['g2', 'a']),
      team('g2', 'children', ['g3', 'b']),
      team('g3', 'grandchildren', ['g1', 'c']),
    ]);
    const all = ['parents', 'children', 'grandchildren'];
    expect(await groupsOf(script.open())).toEqual({ a: all, b: all, c: all, d: [], e: [] });
  });

  it('asks for the members of each group where the listing leaves them out', async () => {
    const whole = [team('g1', 'analysts', ['a']), team('g2', 'empty', [])];
    script.groups = (request) =>
      request.path === '/Groups'
        ? page([team('g1', 'analysts'), team('g2', 'empty')])(request)
        : page(whole)(request);
    expect(await groupsOf(script.open())).toMatchObject({ a: ['analysts'], b: [] });
  });

  it('does not know them where one group leaves its members out, alone or within another', async () => {
    script.groups = page([team('g1', 'analysts', ['a']), team('g2', 'hidden')]);
    expect(await groupsOf(script.open())).toMatchObject({ a: null, b: null });
    script.groups = page([team('g1', 'analysts', ['a']), team('g2', 'empty', [])]);
    expect(await groupsOf(script.open())).toMatchObject({ a: ['analysts'], b: [] });
  });

  it('calls nobody unassigned who may be in a group within the assignment group', async () => {
    script.groups = page([team('g1', 'app', ['a', 'g2']), team('g2', 'hidden')]);
    expect((await listingError(script.open('app'))).fault).toBe('malformed_answer');
    expect((await lookUp(script.open('app'), 'a')).standing).toBe('present');
    expect((await lookUp(script.open('app'), 'b')).standing).toBe('unknown');
  });

  it.each([
    [99, 'unassigned'],
    [100, null],
    [101, 'unassigned'],
    [110, 'unassigned'],
    [200, null],
    [256, null],
  ])('of %i in the assignment group, calls one more %s', async (length, standing) => {
    const ids = Array.from({ length }, (_, index) => `m${index}`);
    script.users = page([...ids.map((id) => user(id)), user('x'), user('y', { active: false })]);
    script.groups = page([team('g1', 'app', ids)]);
    const listing = await readListing(script.open('app', 50));
    expect(addsUp(listing)).toBe(true);
    const found = listing.members.find(({ id }) => id === 'x')?.standing ?? null;
    expect(found).toBe(standing);
    expect(listing.members.find(({ id }) => id === 'y')?.standing).toBe('disabled');
    expect(listing.members.filter((one) => one.standing === 'present')).toHaveLength(length);
    expect((await lookUp(script.open('app', 50), 'x')).standing).toBe(standing ?? 'unknown');
  });

  it('does not know them where no group shows a member', async () => {
    script.groups = page([team('g1', 'analysts'), team('g2', 'editors')]);
    expect(await groupsOf(script.open())).toMatchObject({ a: null });
  });

  it('reads /Groups only for people whose own entry says nothing', async () => {
    script.users = page([user('a', { groups: [{ value: 'g1', display: 'analysts' }] }), user('b')]);
    script.groups = page([team('g1', 'analysts', ['a']), team('g2', 'editors', ['b'])]);
    expect(await groupsOf(script.open())).toEqual({ a: ['analysts'], b: ['editors'] });
    script.users = page([user('a', { groups: [] })]);
    const before = script.server.requests.length;
    expect(await groupsOf(script.open())).toEqual({ a: [] });
    expect(script.server.requests.slice(before).some(({ path }) => path === '/Groups')).toBe(false);
  });

  it('finds the name of a group that is given by id alone', async () => {
    script.users = page([user('a', { groups: [{ value: 'g1' }] })]);
    script.groups = page([team('g1', 'analysts')]);
    expect(await groupsOf(script.open())).toEqual({ a: ['analysts'] });
    script.groups = page([team('g9', 'others')]);
    expect((await listingError(script.open())).fault).toBe('malformed_answer');
  });

  it.each<[string, readonly Row[]]>([
    ['none', [team('g1', 'analysts', ['a'])]],
    ['two', [team('g1', 'app', ['a']), team('g2', 'app', ['b'])]],
    ['one in another case', [team('g1', 'App', ['a'])]],
  ])('throws where there is %s of the assignment group', async (_name, rows) => {
    script.groups = page(rows);
    const error = await listingError(script.open('app'));
    expect(error.message).toContain('exactly one assignment group called "app"');
    expect((await lookUp(script.open('app'), 'b')).standing).toBe('unknown');
    await expect(script.open('app').fingerprint(AbortSignal.timeout(5_000))).rejects.toMatchObject({
      fault: 'malformed_answer',
    });
  });

  it('calls nobody unassigned where nothing says who is assigned', async () => {
    script.groups = page([team('g1', 'app')]);
    const error = await listingError(script.open('app'));
    expect(error).toMatchObject({ fault: 'malformed_answer' });
    expect((await lookUp(script.open('app'), 'a')).standing).toBe('unknown');
    script.groups = () => scimError(404);
    expect((await listingError(script.open('app'))).message).toContain('without /Groups');
  });

  it('tells the assignment group by its id, and keeps it out of the groups', async () => {
    script.users = page([
      user('a', { groups: [{ value: 'g1', display: 'shown otherwise' }] }),
      user('b', { groups: [{ value: 'g2', display: 'app' }] }),
      user('c', { groups: [{ display: 'app' }] }),
      user('d', { groups: [] }),
      user('e', { groups: [], active: false }),
    ]);
    script.groups = page([team('g1', 'app'), team('g2', 'analysts')]);
    const { members } = await readListing(script.open('app'));
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
    script.groups = page([{ id: 'g1', displayName: 'app' }]);
    const signal = AbortSignal.timeout(10_000);
    const options = {
      url: script.server.url,
      assignmentGroup: null,
      timeoutMs: 2_000,
      pageSize: 2,
    };
    const one = await scimDirectory({ ...options, token: async () => 'one' }).fingerprint(signal);
    const two = await scimDirectory({ ...options, token: async () => 'two' }).fingerprint(signal);
    const app = await script.open('app').fingerprint(signal);
    script.groups = page([{ id: 'g2', displayName: 'app' }]);
    const another = await script.open('app').fingerprint(signal);
    script.config = json(200, { sort: { supported: true } });
    const sorted = await script.open('app').fingerprint(signal);
    expect(new Set([one, two, app, another, sorted]).size).toBe(5);
  });

  it('reads the token again, so that another account between two of them shows', async () => {
    let token = 'first';
    const options = {
      url: script.server.url,
      assignmentGroup: null,
      timeoutMs: 2_000,
      pageSize: 2,
    };
    const directory = scimDirectory({ ...options, token: async () => token });
    const signal = AbortSignal.timeout(10_000);
    const before = await directory.fingerprint(signal);
    token = 'second';
    expect(await directory.fingerprint(signal)).not.toBe(before);
  });
});
