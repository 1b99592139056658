import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml';
import { FAULTS, type Fault } from '@rollcall/demo-idp/faults';
import { type DemoIdp, type DemoIdpOptions, startDemoIdp } from '@rollcall/demo-idp/main';
import { SEED_GROUPS } from '@rollcall/demo-idp/people';
import { METHOD_BEARER } from '@rollcall/demo-idp/saml-names';
import { afterEach, describe, expect, it } from 'vitest';

const ADA = 'p_7f3a91c2';
const ALAN = 'p_c41d7e98';
const SP = { entityId: 'urn:sp', acsUrl: 'https://sp.example/acs?tenant=1&x=2', name: 'Analytics' };

const running: DemoIdp[] = [];
const folders: string[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((idp) => idp.close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function start(options: Partial<DemoIdpOptions> = {}): Promise<DemoIdp> {
  const idp = await startDemoIdp({ serviceProviders: [SP], ...options });
  running.push(idp);
  return idp;
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'demo-idp-'));
  folders.push(folder);
  return folder;
}

function serviceProvider(idp: DemoIdp, more: Partial<SamlConfig> = {}): SAML {
  return new SAML({
    callbackUrl: SP.acsUrl,
    entryPoint: idp.ssoUrl,
    issuer: SP.entityId,
    audience: SP.entityId,
    idpCert: idp.certificate,
    idpIssuer: idp.entityId,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    identifierFormat: null,
    ...more,
  });
}

function unescapeHtml(text: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (whole, name: string) => names[name] ?? whole);
}

/** The hidden fields and the address of the first form of a page. */
function readForm(page: string): { action: string; fields: Record<string, string> } {
  const inputs = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  const fields = Array.from(inputs, ([, name = '', value = '']) => [name, unescapeHtml(value)]);
  const [, action = ''] = /<form method="post" action="([^"]*)"/.exec(page) ?? [];
  return { action: unescapeHtml(action), fields: Object.fromEntries(fields) };
}

function sendForm(
  idp: DemoIdp,
  path: string,
  fields: Record<string, string> | [string, string][],
  headers: Record<string, string> = { origin: idp.url },
): Promise<Response> {
  const body = new URLSearchParams(fields);
  return fetch(`${idp.url}${path}`, { method: 'POST', body, headers, redirect: 'manual' });
}

/** Goes through the pages as a browser without scripts does; the answer to the chosen button. */
async function choose(idp: DemoIdp, sp: SAML, button: Record<string, string>, relayState = 'r') {
  const url = await sp.getAuthorizeUrlAsync(relayState, undefined, {});
  const signInPage = await fetch(url);
  expect(signInPage.status).toBe(200);
  const { action, fields } = readForm(await signInPage.text());
  return sendForm(idp, action, { ...fields, ...button });
}

function scim(idp: DemoIdp, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${idp.scimToken}` };
  return fetch(`${idp.scimUrl}${path}`, { headers, ...init });
}

interface Listing {
  totalResults: number;
  startIndex: number;
  itemsPerPage: number;
  Resources: { id: string }[];
}

async function list(idp: DemoIdp, query: string): Promise<Listing> {
  const response = await scim(idp, `/Users?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Listing;
}

function setFault(idp: DemoIdp, fault: Fault): Promise<Response> {
  const headers = { authorization: `Bearer ${idp.scimToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ fault });
  return fetch(`${idp.url}/api/fault`, { method: 'POST', headers, body });
}

describe('signing in', () => {
  it.each(['assertion', 'response', 'both'] as const)(
    'node-saml accepts a signed %s',
    async (sign) => {
      const idp = await start({ sign });
      const sp = serviceProvider(idp, {
        wantAssertionsSigned: sign !== 'response',
        wantAuthnResponseSigned: sign !== 'assertion',
      });
      const relayState = `/a?b=1&c="<'é>`;
      const answer = await choose(idp, sp, { person: ADA }, relayState);
      const { action, fields } = readForm(await answer.text());
      expect(action).toBe(SP.acsUrl);
      expect(fields.RelayState).toBe(relayState);
      const { profile } = await sp.validatePostResponseAsync({
        SAMLResponse: fields.SAMLResponse!,
      });
      expect(profile).toMatchObject({
        issuer: idp.entityId,
        nameID: ADA,
        nameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
        uid: ADA,
        email: 'ada@acme.example',
        firstName: 'Ada',
        lastName: 'Lovelace',
        groups: ['BI-Analysts', 'BI-Editors', 'Finance-Team', 'Everyone'],
      });
      expect(profile?.sessionIndex).toMatch(/^_[0-9a-f]{32}$/);
    },
  );

  it('takes the POST binding, and only its own script runs on the answer', async () => {
    const idp = await start();
    const sp = serviceProvider(idp, {
      authnRequestBinding: 'HTTP-POST',
      skipRequestCompression: true,
    });
    const form = await sp.getAuthorizeFormAsync('r', undefined, {});
    const [, SAMLRequest = ''] = /name="SAMLRequest" value="([^"]*)"/.exec(form) ?? [];
    // A page of the application sends this form, so it comes from another origin.
    const page = await sendForm(
      idp,
      '/sso',
      { SAMLRequest: SAMLRequest },
      { origin: 'https://sp.example' },
    );
    expect(page.status).toBe(200);
    const { action, fields } = readForm(await page.text());
    expect(fields).not.toHaveProperty('relay_state');
    const answer = await sendForm(idp, action, { ...fields, person: ADA });
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'.*script-src 'sha256-[^']+'/);
    expect(readForm(await answer.text()).fields).not.toHaveProperty('RelayState');
  });

  it.each([
    ['disabled', (idp: DemoIdp) => idp.directory.disable(ALAN)],
    ['removed', (idp: DemoIdp) => idp.directory.remove(ALAN)],
    ['unassigned', (idp: DemoIdp) => idp.directory.unassign(ALAN)],
  ])('refuses somebody %s, and vouches for them out of an old session', async (state, change) => {
    const idp = await start();
    const sp = serviceProvider(idp);
    change(idp);
    const refused = await choose(idp, sp, { person: ALAN });
    expect(refused.status).toBe(403);
    const page = await refused.text();
    expect(page).toContain('Alan Turing is not signed in.');
    expect(page).toContain(`data-testid="old-session-${ALAN}"`);
    expect(page).not.toContain(`data-testid="old-session-${ADA}"`);
    expect(page).not.toContain('SAMLResponse');
    expect(page).toContain(`>${state}</span>`);
    // The refusal page carries the same request on.
    const { action, fields } = readForm(page);
    const answer = await sendForm(idp, action, { ...fields, old_session: ALAN });
    const { fields: answered } = readForm(await answer.text());
    const { profile } = await sp.validatePostResponseAsync({
      SAMLResponse: answered.SAMLResponse!,
    });
    expect(profile?.nameID).toBe(ALAN);
    const xml = Buffer.from(answered.SAMLResponse!, 'base64').toString();
    const [, opened = ''] = /AuthnInstant="([^"]*)"/.exec(xml) ?? [];
    expect(Date.now() - Date.parse(opened)).toBeGreaterThan(60 * 60_000);
  });

  it('answers a passive request with NoPassive, signed', async () => {
    const idp = await start();
    const sp = serviceProvider(idp, { passive: true, wantAuthnResponseSigned: true });
    const answer = await fetch(await sp.getAuthorizeUrlAsync('r', undefined, {}));
    const { action, fields } = readForm(await answer.text());
    expect(action).toBe(SP.acsUrl);
    const verdict = await sp.validatePostResponseAsync({ SAMLResponse: fields.SAMLResponse! });
    // node-saml answers with no profile only to a NoPassive whose signature is good.
    expect(verdict.profile).toBeNull();
  });

  it('refuses unknown applications, and people that there are not', async () => {
    const idp = await start();
    const stranger = serviceProvider(idp, { issuer: 'urn:<b>stranger' });
    const page = await fetch(await stranger.getAuthorizeUrlAsync('r', undefined, {}));
    expect(page.status).toBe(400);
    expect(await page.text()).toContain('urn:&lt;b&gt;stranger');
    expect((await choose(idp, serviceProvider(idp), { person: 'p_none' })).status).toBe(400);
    expect((await choose(idp, serviceProvider(idp), {})).status).toBe(400);
    expect((await fetch(`${idp.url}/sso`)).status).toBe(400);
    const elsewhere = serviceProvider(idp, { callbackUrl: 'https://evil.example/acs' });
    expect((await fetch(await elsewhere.getAuthorizeUrlAsync('r', undefined, {}))).status).toBe(
      400,
    );
  });

  it('serves metadata with its certificate and its addresses', async () => {
    const idp = await start();
    const response = await fetch(idp.entityId);
    const xml = await response.text();
    expect(xml).toBe(idp.metadata());
    expect(xml).toContain(`entityID="${idp.entityId}"`);
    expect(xml).toContain(idp.certificate.replace(/-----[^-]+-----|\s/g, ''));
    expect(xml.match(/<md:SingleSignOnService /g)).toHaveLength(2);
    expect(xml).toContain(`Location="${idp.url}/slo"`);
  });

  it('makes answers without a browser, good ones and bad ones', async () => {
    const idp = await start({ serviceProviders: [] });
    idp.registerServiceProvider(SP);
    const sp = serviceProvider(idp, { validateInResponseTo: ValidateInResponseTo.never });
    const send = (xml: string) =>
      sp.validatePostResponseAsync({ SAMLResponse: Buffer.from(xml).toString('base64') });
    const good = idp.signer.answer(ADA, { audience: SP.entityId });
    expect(good).toContain(METHOD_BEARER);
    expect((await send(good)).profile?.nameID).toBe(ADA);
    const answer = (overrides: object) =>
      idp.signer.answer(ADA, { audience: SP.entityId, overrides });
    await expect(send(answer({ audience: 'urn:other' }))).rejects.toThrow('audience');
    await expect(send(answer({ notOnOrAfter: Date.now() - 1000 }))).rejects.toThrow('expired');
    await expect(send(good.replace(/ada@/, 'bob@'))).rejects.toThrow();
    expect(() => idp.signer.answer(ADA, { audience: 'urn:none' })).toThrow('urn:none');
  });
});

describe('the directory over SCIM', () => {
  it('lists everybody over several pages, sorted by id', async () => {
    const idp = await start();
    const first = await list(idp, 'sortBy=id');
    const second = await list(idp, 'sortBy=id&startIndex=6&count=100');
    expect(first).toMatchObject({ totalResults: 8, startIndex: 1, itemsPerPage: 5 });
    expect(second).toMatchObject({ totalResults: 8, startIndex: 6, itemsPerPage: 3 });
    const ids = [...first.Resources, ...second.Resources].map(({ id }) => id);
    expect(ids).toEqual(
      idp.directory
        .people()
        .map(({ id }) => id)
        .toSorted(),
    );
    expect((await list(idp, 'startIndex=9')).Resources).toEqual([]);
  });

  it('shows a person truly, in each state', async () => {
    const idp = await start();
    const ask = async () => (await scim(idp, `/Users/${ADA}`)).json();
    expect(await ask()).toMatchObject({
      id: ADA,
      externalId: 'emp-1001',
      userName: 'ada@acme.example',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [{ value: 'ada@acme.example', primary: true }],
      active: true,
    });
    const names = async () =>
      ((await ask()) as { groups: { display: string }[] }).groups.map(({ display }) => display);
    expect(await names()).toContain('Analytics App');
    idp.directory.unassign(ADA);
    expect(await names()).not.toContain('Analytics App');
    idp.directory.disable(ADA);
    expect(await ask()).toMatchObject({ active: false });
    idp.directory.remove(ADA);
    const gone = await scim(idp, `/Users/${ADA}`);
    expect(gone.status).toBe(404);
    expect(gone.headers.get('content-type')).toContain('application/scim+json');
    expect(await gone.json()).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '404',
    });
    expect(await list(idp, 'count=1')).toMatchObject({ totalResults: 7 });
  });

  it('filters, and refuses what it cannot filter by', async () => {
    const idp = await start();
    for (const filter of [
      `id eq "${ADA}"`,
      'userName eq "ADA@acme.example"',
      'externalId eq "emp-1001"',
    ]) {
      const found = await list(idp, `filter=${encodeURIComponent(filter)}`);
      expect(found.Resources.map(({ id }) => id)).toEqual([ADA]);
    }
    const refused = await scim(idp, `/Users?filter=${encodeURIComponent('active eq true')}`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ status: '400', scimType: 'invalidFilter' });
    // Two filters are never taken for none.
    expect((await scim(idp, '/Users?filter=a&filter=b')).status).toBe(400);
  });

  it('lists groups with members, without them, and one by one', async () => {
    const idp = await start({ pageSize: 50 });
    idp.directory.remove(ADA);
    const bare = (await (await scim(idp, '/Groups?excludedAttributes=members')).json()) as Listing;
    expect(bare.Resources.map(({ id }) => id)).toEqual(SEED_GROUPS.map(({ id }) => id));
    expect(JSON.stringify(bare)).not.toContain('"members"');
    const finance = SEED_GROUPS.find(({ name }) => name === 'Finance-Team')!;
    const whole = await (await scim(idp, `/Groups/${finance.id}`)).json();
    expect(whole).toMatchObject({
      displayName: 'Finance-Team',
      members: [{ value: 'p_95e0b3a7' }],
    });
    expect((await scim(idp, '/Groups/g_none')).status).toBe(404);
  });

  it('tells what it can do', async () => {
    const idp = await start({ pageSize: 3 });
    expect(await (await scim(idp, '/ServiceProviderConfig')).json()).toMatchObject({
      filter: { supported: true, maxResults: 3 },
      sort: { supported: true },
      pagination: { index: true, cursor: false, maxPageSize: 3 },
    });
    expect(await (await scim(idp, '/ResourceTypes')).json()).toMatchObject({ totalResults: 2 });
    const user = 'urn:ietf:params:scim:schemas:core:2.0:User';
    expect(await (await scim(idp, `/Schemas/${user}`)).json()).toMatchObject({ id: user });
    expect((await scim(idp, '/Users', { method: 'DELETE' })).status).toBe(501);
    const headers = { authorization: `bearer ${idp.scimToken}` };
    expect((await scim(idp, '/Users', { method: 'POST', headers })).status).toBe(501);
    expect((await scim(idp, '/Nothing')).status).toBe(404);
  });

  it.each([undefined, 'Bearer wrong', 'Basic eDp5', 'Bearer '])(
    'refuses %s',
    async (authorization) => {
      const idp = await start();
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      for (const path of ['/Users', `/Users/${ADA}`, '/ServiceProviderConfig', '/Nothing']) {
        const response = await scim(idp, path, { headers });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toContain('Bearer');
        expect(await response.json()).toMatchObject({ status: '401' });
      }
    },
  );
});

describe('the faults', () => {
  it.each([
    ['error_500', 500],
    ['unauthorized_401', 401],
    ['forbidden_403', 403],
    ['too_many_429', 429],
  ] as const)('%s answers listings and look-ups with %i', async (fault, status) => {
    const idp = await start();
    await setFault(idp, fault);
    for (const path of ['/Users', `/Users/${ADA}`, '/Groups', `/Groups/${SEED_GROUPS[0]!.id}`]) {
      const response = await scim(idp, path);
      expect(response.status).toBe(status);
      expect(response.headers.get('retry-after')).toBe(status === 429 ? '30' : null);
      expect(await response.json()).toMatchObject({ status: String(status) });
    }
    expect((await scim(idp, '/ServiceProviderConfig')).status).toBe(200);
    await setFault(idp, 'none');
    expect((await scim(idp, '/Users')).status).toBe(200);
  });

  it('timeout never answers, and does not keep the IdP from closing', async () => {
    const idp = await start();
    await setFault(idp, 'timeout');
    for (const path of ['/Users', `/Users/${ADA}`]) {
      await expect(
        scim(idp, path, {
          signal: AbortSignal.timeout(150),
          headers: { authorization: `Bearer ${idp.scimToken}` },
        }),
      ).rejects.toThrow();
    }
    await expect.poll(async () => (await fetch(idp.url)).text()).toContain('no answer');
    const held = scim(idp, '/Users').then(
      () => 'answered',
      () => 'cut',
    );
    await expect.poll(() => Promise.race([held, 'waiting'])).toBe('waiting');
    await running.splice(0)[0]!.close();
    expect(await held).toBe('cut');
  });

  it.each([
    ['empty', [0, 0], [0, 0]],
    ['half', [4, 4], [4, 0]],
    ['short', [8, 8], [4, 0]],
    ['duplicate_pages', [8, 8], [5, 5]],
  ] as const)('%s lies in listings and not in look-ups', async (fault, totals, sizes) => {
    const idp = await start();
    await setFault(idp, fault);
    const pages = [await list(idp, 'sortBy=id'), await list(idp, 'sortBy=id&startIndex=6')];
    expect(pages.map((page) => page.totalResults)).toEqual(totals);
    expect(pages.map((page) => page.Resources.length)).toEqual(sizes);
    const ids = pages.flatMap((page) => page.Resources.map(({ id }) => id));
    expect(new Set(ids).size).toBe(fault === 'duplicate_pages' ? 5 : sizes[0] + sizes[1]);
    for (const { id } of idp.directory.people()) {
      expect((await scim(idp, `/Users/${id}`)).status).toBe(200);
    }
  });

  it('malformed answers 200 with JSON that breaks off', async () => {
    const idp = await start();
    await setFault(idp, 'malformed');
    const response = await scim(idp, '/Users');
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain('ListResponse');
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect((await scim(idp, `/Users/${ADA}`)).status).toBe(200);
  });

  it.each(FAULTS)('people can sign in under %s', async (fault) => {
    const idp = await start();
    idp.directory.setFault(fault);
    const answer = await choose(idp, serviceProvider(idp), { person: ADA });
    expect(readForm(await answer.text()).fields).toHaveProperty('SAMLResponse');
  });
});

describe('the JSON API', () => {
  it('does what the buttons do, for the bearer of the token', async () => {
    const idp = await start();
    const headers = {
      authorization: `Bearer ${idp.scimToken}`,
      'content-type': 'application/json',
    };
    const post = (path: string, body?: unknown, more = headers) =>
      fetch(`${idp.url}/api${path}`, {
        method: 'POST',
        headers: more,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const states = { disable: 'disabled', unassign: 'unassigned', remove: 'removed' };
    for (const [action, state] of Object.entries(states)) {
      expect(await (await post(`/people/${ADA}/${action}`)).json()).toMatchObject({ state });
      expect(await (await post(`/people/${ADA}/restore`)).json()).toMatchObject({
        state: 'active',
      });
    }
    const regrouped = await post(`/people/${ADA}/groups`, { groups: ['BI-Admins'] });
    expect(await regrouped.json()).toMatchObject({ groups: ['BI-Admins', 'Everyone'] });
    const everybody = await fetch(`${idp.url}/api/people`, { headers });
    expect(await everybody.json()).toMatchObject({ fault: 'none', people: { length: 8 } });

    expect((await post('/people/p_none/disable')).status).toBe(404);
    expect((await post(`/people/${ADA}/explode`)).status).toBe(404);
    expect((await post(`/people/${ADA}/groups`, { groups: ['nope'] })).status).toBe(400);
    expect((await post(`/people/${ADA}/groups`, { groups: 'BI-Admins' })).status).toBe(400);
    expect((await post('/fault', { fault: 'nope' })).status).toBe(400);
    expect((await post('/fault', {})).status).toBe(400);
    const bare = { authorization: '', 'content-type': 'application/json' };
    expect((await post('/fault', { fault: 'empty' }, bare)).status).toBe(401);
    expect((await fetch(`${idp.url}/api/people`)).status).toBe(401);
    expect(idp.directory.fault()).toBe('none');
  });
});

describe('the pages', () => {
  it('change people and faults by their forms', async () => {
    const idp = await start();
    const done = await sendForm(idp, `/people/${ADA}/disable`, {});
    expect(done.status).toBe(303);
    const page = await (await fetch(new URL(done.headers.get('location') ?? '', idp.url))).text();
    expect(page).toContain('Ada Lovelace is now disabled.');
    expect(page).toContain(`data-testid="state-${ADA}">disabled<`);
    const groups: [string, string][] = [
      ['group', 'BI-Admins'],
      ['group', 'BI-Editors'],
    ];
    await sendForm(idp, `/people/${ADA}/groups`, groups);
    expect(idp.directory.person(ADA).groups).toEqual(['BI-Admins', 'BI-Editors', 'Everyone']);
    await sendForm(idp, `/people/${ADA}/groups`, {});
    expect(idp.directory.person(ADA).groups).toEqual(['Everyone']);
    await sendForm(
      idp,
      '/fault',
      { fault: 'short' },
      { 'sec-fetch-site': 'same-origin', origin: idp.url },
    );
    const broken = await (await fetch(idp.url)).text();
    expect(broken).toContain('data-testid="current-fault" data-fault="short"');
    expect(broken).toContain('value="short" data-testid="fault-short" checked>');
    expect((await sendForm(idp, '/people/p_none/disable', {})).status).toBe(400);
    expect((await sendForm(idp, `/people/${ADA}/explode`, {})).status).toBe(404);
    expect((await sendForm(idp, '/fault', { fault: 'nope' })).status).toBe(404);
  });

  it('show the last twenty requests to the directory, newest first, and no token', async () => {
    const idp = await start();
    expect(await (await fetch(idp.url)).text()).toContain('Nobody has asked');
    for (let index = 1; index <= 22; index += 1)
      await scim(idp, `/Users?count=0&startIndex=${index}`);
    const page = await (await fetch(idp.url)).text();
    const asked = Array.from(page.matchAll(/startIndex=(\d+)</g), ([, index]) => Number(index));
    expect(asked).toEqual(Array.from({ length: 20 }, (_, index) => 22 - index));
    expect(page).not.toContain(idp.scimToken);
  });

  it('escape hostile names, groups, paths and applications', async () => {
    const evil = `"><script>alert('1')</script>&amp;`;
    const idp = await start({ serviceProviders: [{ ...SP, name: evil }] });
    idp.directory.add({ id: evil, userName: evil, email: evil, givenName: evil, familyName: evil });
    idp.directory.disable(evil);
    await scim(idp, '/Users?x=<script>alert(2)</script>');
    const signIn = await fetch(
      await serviceProvider(idp).getAuthorizeUrlAsync(evil, undefined, {}),
    );
    const refused = await choose(idp, serviceProvider(idp), { person: evil }, evil);
    const answer = await choose(idp, serviceProvider(idp), { old_session: evil }, evil);
    const admin = await fetch(`${idp.url}/?done=disable&person=${encodeURIComponent(evil)}`);
    for (const response of [signIn, refused, answer, admin]) {
      const page = await response.text();
      expect(page).toContain('&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;');
      expect(page.replaceAll('<script>document.forms[0].submit()</script>', '')).not.toContain(
        '<script',
      );
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    const fields = readForm(
      await (await choose(idp, serviceProvider(idp), { person: ADA }, evil)).text(),
    );
    expect(fields.fields.RelayState).toBe(evil);
  });

  it.each<[string, Record<string, string>]>([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['an opaque origin', { origin: 'null' }],
    [
      'another origin that claims to be the same',
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ],
    ['nowhere', {}],
  ])('refuse forms from %s', async (_name, headers) => {
    const idp = await start();
    const forms: [string, Record<string, string>][] = [
      [`/people/${ADA}/remove`, {}],
      [`/people/${ADA}/groups`, { group: 'BI-Admins' }],
      ['/fault', { fault: 'empty' }],
      ['/sso/sign-in', { person: ADA }],
    ];
    for (const [path, fields] of forms) {
      expect((await sendForm(idp, path, fields, headers)).status, path).toBe(403);
    }
    expect(idp.directory.person(ADA)).toMatchObject({ state: 'active', groups: { length: 4 } });
    expect(idp.directory.fault()).toBe('none');
  });

  it('refuse forms by a foreign name that resolves to this machine', async () => {
    const idp = await start();
    const host = `evil.example:${idp.port}`;
    const status = await new Promise((resolve, reject) => {
      const headers = { host, 'sec-fetch-site': 'same-origin' };
      const path = `/people/${ADA}/remove`;
      httpRequest(
        { port: idp.port, host: '127.0.0.1', method: 'POST', path, headers },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe('starting', () => {
  it('changes nothing by a restart', async () => {
    const stateFile = join(makeFolder(), 'idp.json');
    const first = await start({ stateFile });
    first.directory.remove(ADA);
    first.directory.regroup(ALAN, ['BI-Admins']);
    first.directory.setFault('half');
    const { certificate, scimToken, port, entityId } = first;
    const metadata = first.metadata();
    const people = first.directory.people();
    const key = first.signer.key;
    await running.splice(0)[0]!.close();
    const second = await start({ stateFile, port });
    expect(second).toMatchObject({ certificate, scimToken, port, entityId });
    expect(second.metadata()).toBe(metadata);
    expect(second.directory.people()).toEqual(people);
    expect(second.directory.fault()).toBe('half');
    expect(second.signer.key).toBe(key);
  });

  it('keeps a token that it was given, and lets go of the old one', async () => {
    const stateFile = join(makeFolder(), 'idp.json');
    await start({ stateFile, scimToken: 'one' });
    const second = await start({ stateFile, scimToken: 'two' });
    expect((await scim(second, '/Users')).status).toBe(200);
    const headers = { authorization: 'Bearer one' };
    expect((await scim(second, '/Users', { headers })).status).toBe(401);
    expect((await start({ stateFile })).scimToken).toBe('two');
  });

  it('says what is wrong with its options, its port or its file', async () => {
    const idp = await start();
    const code = (name: string) => expect.objectContaining({ code: `demo_idp.${name}` });
    await expect(start({ port: idp.port })).rejects.toEqual(code('port_taken'));
    await expect(start({ port: idp.port })).rejects.toThrow(
      `Port ${idp.port} on 127.0.0.1 is taken`,
    );
    for (const publicUrl of ['idp.example', 'ftp://idp.example', 'https://idp.example/path']) {
      await expect(start({ publicUrl })).rejects.toEqual(code('public_url_invalid'));
    }
    const script = { ...SP, acsUrl: 'javascript:alert(1)' };
    await expect(start({ serviceProviders: [script] })).rejects.toEqual(code('acs_url_invalid'));
    await expect(start({ pageSize: 0 })).rejects.toEqual(code('page_size_invalid'));
    const stateFile = join(makeFolder(), 'idp.json');
    writeFileSync(stateFile, '{"version": 1');
    await expect(start({ stateFile })).rejects.toEqual(code('state_corrupt'));
    expect(readFileSync(stateFile, 'utf8')).toBe('{"version": 1');
    const folder = makeFolder();
    await expect(start({ stateFile: folder })).rejects.toEqual(code('state_unreadable'));
    await expect(start({ stateFile: join(stateFile, 'below') })).rejects.toThrow('state file');
  });

  it('takes its public address for its own', async () => {
    const idp = await start({ publicUrl: 'https://idp.example/' });
    expect(idp).toMatchObject({
      url: 'https://idp.example',
      entityId: 'https://idp.example/metadata',
    });
    expect(idp.metadata()).toContain('Location="https://idp.example/sso"');
    const local = await fetch(`http://127.0.0.1:${idp.port}/people/${ADA}/disable`, {
      method: 'POST',
      headers: { origin: 'https://idp.example' },
      redirect: 'manual',
    });
    expect(local.status).toBe(303);
  });
});
