import { keycloakDirectory } from '@rollcall/sweeper/directories/keycloak';
import { checkRoles, readClaims } from '@rollcall/sweeper/directories/keycloak-token';
import { describe, expect, it } from 'vitest';
import { openKeycloakSimulator } from '../../conformance/directories/keycloak-simulator.ts';
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
