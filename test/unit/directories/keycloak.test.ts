import { HttpClient } from '@rollcall/sweeper/directories/http-client';
import { keycloakDirectory } from '@rollcall/sweeper/directories/keycloak';
import { readRealmMembership } from '@rollcall/sweeper/directories/keycloak-groups';
import { checkRoles, readClaims } from '@rollcall/sweeper/directories/keycloak-token';
import { describe, expect, it } from 'vitest';
import { openKeycloakSimulator } from '../../conformance/directories/keycloak-simulator.ts';
import { json, ScriptedServer } from '../../conformance/directories/scripted-server.ts';
import { addsUp, listingError, lookUp, readListing } from '../../conformance/directory-contract.ts';

const SIGNAL = AbortSignal.timeout(60_000);

describe('the service account', () => {
  it('must have view-users where its token names roles', async () => {
    const harness = await openKeycloakSimulator({
      roles: () => (allowed ? ['view-users'] : ['query-groups', 'query-users']),
    });
    allowed = false;
    // A token is kept for minutes; the fingerprint gets a fresh one.
    await expect(harness.directory.fingerprint(SIGNAL)).rejects.toMatchObject({
      fault: 'forbidden',
    });
    expect((await listingError(harness.directory)).fault).toBe('forbidden');
    const answer = await lookUp(harness.directory, 'nobody');
    expect(answer.standing).toBe('unknown');
    expect(answer.because).toContain('view-users');
    allowed = true;
    await harness.close();
  });
  let allowed = true;

  it('may have a lightweight token that names none', async () => {
    const harness = await openKeycloakSimulator({ roles: () => null });
    expect(addsUp(await readListing(harness.directory))).toBe(true);
    await harness.close();
  });

  it('has another fingerprint with other roles', async () => {
    let roles = ['view-users'];
    const harness = await openKeycloakSimulator({ roles: () => roles });
    const before = await harness.directory.fingerprint(SIGNAL);
    roles = ['view-users', 'manage-users'];
    expect(await harness.directory.fingerprint(SIGNAL)).not.toBe(before);
    await harness.close();
  });

  it('gets one new token where the old one is refused', async () => {
    let oldest = 1;
    const harness = await openKeycloakSimulator({ acceptsToken: (serial) => serial >= oldest });
    const tokens = () => harness.requests.filter(({ path }) => path.endsWith('/token')).length;
    const before = tokens();
    oldest = before + 1;
    expect(addsUp(await readListing(harness.directory))).toBe(true);
    expect(tokens()).toBe(before + 1);
    oldest = 1_000;
    expect((await listingError(harness.directory)).fault).toBe('unauthorized');
    await harness.close();
  });
});

describe('its listing', () => {
  it('goes on after a short page, and the count of the realm shows who was hidden', async () => {
    const harness = await openKeycloakSimulator();
    harness.changeRows(1, (rows) => rows.slice(0, 2));
    const listing = await readListing(harness.directory);
    expect(listing.members.length).toBeGreaterThan(2);
    expect(listing.announcedTotal).toBe(9);
    expect(addsUp(listing)).toBe(false);
    await harness.close();
  });

  it('is thrown away where the realm counts others at its end', async () => {
    const harness = await openKeycloakSimulator();
    harness.beforePage(harness.pages, () => harness.join(0, 'aaron'));
    const error = await listingError(harness.directory);
    expect(error.fault).toBe('cursor_broken');
    expect(error.message).toContain('9 users before the listing and 10 after it');
    await harness.close();
  });

  it('is thrown away at the first page that does not begin where the last one ended', async () => {
    const harness = await openKeycloakSimulator();
    harness.beforePage(2, () => {
      for (const id of ['id-01', 'id-02']) harness.leave(id);
      for (const number of [10, 11]) harness.join(number, 'zelda');
    });
    const before = harness.requests.length;
    const error = await listingError(harness.directory);
    expect(error.message).toContain('rows came or went between two pages');
    const asked = harness.requests.slice(before).filter(({ path }) => path.endsWith('/users'));
    expect(asked).toHaveLength(2);
    await harness.close();
  });

  it('reads pages of at least two rows', () => {
    const options = {
      url: 'http://127.0.0.1:1',
      realm: 'acme',
      clientId: 'sweeper',
      clientSecret: async () => 'secret',
      timeoutMs: 1_000,
    };
    for (const pageSize of [0, 1, 2.5, Number.NaN]) {
      expect(() => keycloakDirectory({ ...options, pageSize })).toThrow(RangeError);
    }
  });
});

describe('its groups', () => {
  it('are read from an answer that nests them, as Keycloak did before version 23', async () => {
    const tree = [
      {
        id: 'g1',
        name: 'top',
        path: '/top',
        subGroups: [{ id: 'g2', name: 'low', path: '/top/low' }],
      },
    ];
    const members: Readonly<Record<string, readonly object[]>> = {
      '/r/groups': tree,
      '/r/groups/g1/members': [{ id: 'ada' }],
      '/r/groups/g2/members': [{ id: 'ada' }, { id: 'alan' }],
    };
    const server = await ScriptedServer.start(({ path, query }) => {
      if (path === '/r/groups/count') return json(200, { count: 2 });
      return json(200, query.get('first') === '0' ? (members[path] ?? []) : []);
    });
    const http = new HttpClient({ baseUrl: server.url, timeoutMs: 2_000 });
    const realm = { http, realmPath: '/r', pageSize: 10, form: 'path' } as const;
    const membership = await readRealmMembership(realm, SIGNAL);
    expect(membership.groupsOf('ada')).toEqual(['/top', '/top/low']);
    expect(membership.groupsOf('alan')).toEqual(['/top/low']);
    await server.close();
  });

  it('are not taken for none where the realm counts more than it shows', async () => {
    const server = await ScriptedServer.start(({ path }) =>
      json(200, path === '/r/groups/count' ? { count: 3 } : []),
    );
    const http = new HttpClient({ baseUrl: server.url, timeoutMs: 2_000 });
    const realm = { http, realmPath: '/r', pageSize: 10, form: 'name' } as const;
    await expect(readRealmMembership(realm, SIGNAL)).rejects.toMatchObject({ fault: 'forbidden' });
    await server.close();
  });
});

describe('claims of a token', () => {
  const tokenOf = (claims: unknown): string =>
    `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

  it.each([
    ['opaque', 'abc'],
    ['empty', ''],
    ['no JSON', 'a.b.c'],
    ['null', tokenOf(null)],
    ['a list', tokenOf([])],
    ['a text', tokenOf('x')],
    ['other clients only', tokenOf({ resource_access: { account: { roles: ['view-profile'] } } })],
  ])('are none in a token that is %s', (_name, token) => {
    const claims = readClaims(token);
    expect(claims.roles).toBeNull();
    expect(() => checkRoles(claims)).not.toThrow();
  });

  it('are read where they are', () => {
    const roles = ['view-users', 'query-users'];
    const token = tokenOf({
      iss: 'https://kc/realms/acme',
      sub: 's',
      azp: 'sweeper',
      resource_access: { 'realm-management': { roles } },
    });
    expect(readClaims(token)).toEqual({
      iss: 'https://kc/realms/acme',
      sub: 's',
      azp: 'sweeper',
      roles: ['query-users', 'view-users'],
    });
  });
});
