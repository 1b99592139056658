import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { keycloakDirectory } from '@rollcall/sweeper/directories/keycloak';
import type { Directory } from '@rollcall/sweeper/directories/port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedUrl } from '../conformance/directories/scripted-server.ts';
import {
  addsUp,
  describeDirectory,
  listingError,
  lookUp,
  readListing,
} from '../conformance/directory-contract.ts';
import { type Keycloak, startKeycloak } from './support/server.ts';
import { signIn, startSignIn } from './support/sign-in.ts';

const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  ada: ['analysts', 'editors'],
  alan: ['finance'],
  emilie: ['editors'],
  grace: ['admins', 'analysts'],
  hedy: [],
  katherine: ['analysts'],
};
const SP_ENTITY_ID = 'https://sp.example/saml/acme/metadata';
const ACS_URL = 'https://sp.example/saml/acme/acs';

let keycloak: Keycloak;
beforeAll(async () => {
  keycloak = await startKeycloak({ spEntityId: SP_ENTITY_ID, acsUrl: ACS_URL });
});
afterAll(() => keycloak?.stop());

function openDirectory(
  change: { clientId?: string; secret?: string; realm?: string } = {},
): Directory {
  return keycloakDirectory({
    url: keycloak.url,
    realm: change.realm ?? keycloak.realm,
    clientId: change.clientId ?? keycloak.clientId,
    clientSecret: async () => change.secret ?? keycloak.clientSecret,
    timeoutMs: 10_000,
    pageSize: 3,
  });
}

describeDirectory('Keycloak', async () => {
  await keycloak.admin.setEnabled('emilie', false);
  const members = await Promise.all(
    Object.entries(PEOPLE).map(async ([username, groups]): Promise<DirectoryMember> => {
      const { id, enabled } = await keycloak.admin.user(username);
      const standing = enabled ? 'present' : 'disabled';
      return { id: toDirectoryId(id), standing, groups, label: username };
    }),
  );
  return {
    directory: openDirectory(),
    expected: () => members,
    close: () => keycloak.admin.setEnabled('emilie', true),
  };
});

describe('Keycloak', () => {
  it('names people in assertions by the id by which it lists them', async () => {
    const { id } = await keycloak.admin.user('ada');
    const start = startSignIn(keycloak, SP_ENTITY_ID, ACS_URL);
    const posted = await signIn(start, 'ada', keycloak.password);
    expect(posted.acsUrl).toBe(ACS_URL);
    const xml = Buffer.from(posted.samlResponse, 'base64').toString('utf8');
    expect(readAttribute(xml, 'uid')).toEqual([id]);
    const answer = await lookUp(openDirectory(), id);
    expect([...readAttribute(xml, 'groups')].sort()).toEqual([...(answer.groups ?? [])].sort());
    expect(readAttribute(xml, 'email')).toEqual(['ada@acme.example']);
    // Keycloak's persistent NameID is another id for each client: it joins with nothing.
    expect(xml).toMatch(/nameid-format:persistent">G-/);
    expect(xml).toContain('xmldsig-more#rsa-sha256');
  });

  it('shows who joined, changed groups, was disabled, was enabled and left', async () => {
    const directory = openDirectory();
    const { admin } = keycloak;
    const id = await admin.addUser({ username: 'margaret', groups: ['/editors'] });
    const now = async () => {
      const { standing, groups } = await lookUp(directory, id);
      const listed = (await readListing(directory)).members.find((member) => member.id === id);
      if (standing !== 'absent') expect(listed).toMatchObject({ standing, groups });
      else expect(listed).toBeUndefined();
      return { standing, groups };
    };
    expect(await now()).toEqual({ standing: 'present', groups: ['editors'] });
    await admin.joinGroup('margaret', '/analysts/finance');
    await admin.leaveGroup('margaret', '/editors');
    expect(await now()).toEqual({ standing: 'present', groups: ['finance'] });
    await admin.leaveGroup('margaret', '/analysts/finance');
    expect(await now()).toEqual({ standing: 'present', groups: [] });
    await admin.setEnabled('margaret', false);
    expect(await now()).toEqual({ standing: 'disabled', groups: [] });
    await admin.setEnabled('margaret', true);
    expect(await now()).toEqual({ standing: 'present', groups: [] });
    await admin.removeUser('margaret');
    expect(await now()).toEqual({ standing: 'absent', groups: null });
  });

  it('throws its listing away where somebody leaves between two pages', async () => {
    const { admin } = keycloak;
    await admin.addUser({ username: 'aaron' });
    const pages = openDirectory().list(AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
    const first = await pages.next();
    expect(first.value.members).toHaveLength(3);
    await admin.removeUser('aaron');
    await expect(
      (async () => {
        while ((await pages.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ fault: 'cursor_broken' });
    expect(addsUp(await readListing(openDirectory()))).toBe(true);
  });

  it('refuses to ask as a service account that is told half the truth', async () => {
    const halfBlind = openDirectory({ clientId: 'half-blind' });
    const { fault, message } = await listingError(halfBlind);
    expect(fault).toBe('forbidden');
    expect(message).toContain('view-users');
    const stranger = await lookUp(halfBlind, '00000000-0000-4000-8000-000000000000');
    expect(stranger.standing).toBe('unknown');
    await expect(halfBlind.fingerprint(AbortSignal.timeout(10_000))).rejects.toMatchObject({
      fault,
    });
  });

  it('gives such an account an empty listing, a true count and "User not found"', async () => {
    const token = await fetchToken('half-blind');
    const ask = async (path: string) => {
      const response = await fetch(`${keycloak.url}/admin/realms/${keycloak.realm}${path}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return { status: response.status, body: await response.json() };
    };
    expect(await ask('/users?first=0&max=10')).toEqual({ status: 200, body: [] });
    expect(await ask('/groups')).toEqual({ status: 200, body: [] });
    expect(await ask('/users/count')).toEqual({ status: 200, body: Object.keys(PEOPLE).length });
    const notFound = { status: 404, body: { error: 'User not found' } };
    expect(await ask('/users/nobody')).toEqual(notFound);
  });

  it('tells a wrong secret, a wrong realm and a closed port apart', async () => {
    const faultOf = async (directory: Directory) => (await listingError(directory)).fault;
    expect(await faultOf(openDirectory({ secret: 'wrong' }))).toBe('unauthorized');
    expect(await faultOf(openDirectory({ realm: 'elsewhere' }))).toBe('request_failed');
    const nowhere = keycloakDirectory({
      url: await closedUrl(),
      realm: keycloak.realm,
      clientId: keycloak.clientId,
      clientSecret: async () => keycloak.clientSecret,
      timeoutMs: 1_000,
    });
    expect(await faultOf(nowhere)).toBe('request_failed');
  });

  it('gets a new token where the old one is no longer accepted', async () => {
    const directory = openDirectory();
    expect(addsUp(await readListing(directory))).toBe(true);
    const old = await fetchToken(keycloak.clientId);
    // Every token from before this second is refused from now on.
    const notBefore = Math.floor(Date.now() / 1_000) + 1;
    const path = `/admin/realms/${keycloak.realm}`;
    await keycloak.admin.request('PUT', path, JSON.stringify({ notBefore }));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const refused = await fetch(`${keycloak.url}${path}/users/count`, {
      headers: { authorization: `Bearer ${old}` },
    });
    expect(refused.status).toBe(401);
    expect(addsUp(await readListing(directory))).toBe(true);
    await keycloak.admin.request('PUT', path, JSON.stringify({ notBefore: 0 }));
  });

  it('has another fingerprint for another account', async () => {
    const signal = AbortSignal.timeout(20_000);
    const before = await openDirectory().fingerprint(signal);
    await keycloak.admin.setServiceProvider(SP_ENTITY_ID, ACS_URL);
    expect(await openDirectory().fingerprint(signal)).toBe(before);
    const other = keycloakDirectory({
      url: keycloak.url,
      realm: keycloak.realm,
      clientId: keycloak.clientId,
      clientSecret: async () => keycloak.clientSecret,
      timeoutMs: 10_000,
      groupNames: 'path',
    });
    expect(await other.fingerprint(signal)).not.toBe(before);
    const { id } = await keycloak.admin.user('alan');
    expect((await lookUp(other, id)).groups).toEqual(['/analysts/finance']);
  });
});

async function fetchToken(clientId: string): Promise<string> {
  const endpoint = `${keycloak.url}/realms/${keycloak.realm}/protocol/openid-connect/token`;
  const response = await fetch(endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: keycloak.clientSecret,
    }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

function readAttribute(xml: string, name: string): string[] {
  const [, inside = ''] =
    new RegExp(`<saml:Attribute Name="${name}"[^>]*>(.*?)</saml:Attribute>`).exec(xml) ?? [];
  return [...inside.matchAll(/<saml:AttributeValue[^>]*>([^<]*)</g)].map(
    ([, value]) => value ?? '',
  );
}
