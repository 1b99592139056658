import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { ADA, ALAN, CHARLES, HEDY, type Stack, startStack } from '../../support/stack.ts';
import { type Answer, askIdp, Visitor } from '../../support/visitor.ts';

function codeOf(page: Answer): string | undefined {
  return /data-testid="code">([^<]*)</.exec(page.text)?.[1];
}

function referenceOf(page: Answer): string | undefined {
  return /data-testid="reference">([^<]*)</.exec(page.text)?.[1];
}

describeOnBothEngines('sign-in', (engine) => {
  let stack: Stack;
  let login: string;
  let acs: string;
  beforeAll(async () => {
    stack = await startStack({ engine });
    login = `${stack.web.url}/saml/demo/login?return_to=%2Freports`;
    acs = `${stack.web.url}/saml/demo/acs`;
  });
  afterAll(() => stack.close());

  /** The log line that has this reference: what an operator would look up. */
  function logged(reference: string | undefined): Record<string, unknown> {
    const line = stack.logged.find((entry) => entry.includes(`"ref":"${reference}"`));
    if (line === undefined) throw new Error(`nothing was logged for ${reference}`);
    return JSON.parse(line);
  }

  async function rowsOf(table: string): Promise<number> {
    const answer = await stack.fresh.pool.query(`select count(*)::int as n from ${table}`);
    return answer.rows[0].n;
  }

  it('creates the user, maps groups to roles, and goes where the person wanted to', async () => {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, login, ADA);
    expect(action).toBe(acs);
    const page = await visitor.post(action, fields);
    expect(page).toMatchObject({ status: 200, url: `${stack.web.url}/reports` });
    expect(page.text).toContain('Quarterly report');
    const session = await visitor.json(`${stack.web.url}/session`);
    expect(JSON.parse(session.text)).toEqual({
      user: {
        id: expect.any(String),
        subject: ADA,
        email: 'ada@acme.example',
        givenName: 'Ada',
        familyName: 'Lovelace',
        roles: ['analyst', 'editor', 'finance'],
        groups: ['BI-Analysts', 'BI-Editors', 'Everyone', 'Finance-Team'],
        connection: 'demo',
      },
    });
  });

  it('refuses a person without a role, says which groups gave none, and makes no user', async () => {
    const before = await rowsOf('users');
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, login, CHARLES);
    const page = await visitor.post(action, fields);
    expect(page.status).toBe(403);
    expect(codeOf(page)).toBe('access.no_role');
    expect(page.text).toContain('Everyone');
    expect(logged(referenceOf(page))).toMatchObject({
      code: 'access.no_role',
      expected: 'a group that a rule names',
      unmatched: ['Everyone'],
    });
    expect(await rowsOf('users')).toBe(before);
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(401);
  });

  it('guards pages by role with 403, and not with another sign-in', async () => {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, login, HEDY);
    const page = await visitor.post(action, fields);
    expect(page.status).toBe(403);
    expect(codeOf(page)).toBe('access.role_missing');
  });

  it('makes no session that is longer than the identity provider allows', async () => {
    const visitor = new Visitor();
    // Its own session began two hours ago and lasts for eight.
    const { action, fields } = await askIdp(visitor, login, ADA, true);
    await visitor.post(action, fields);
    const { rows } = await stack.fresh.pool.query(
      'select extract(epoch from expires_at - created_at)::float8 / 3600 as hours from sessions order by created_at desc limit 1',
    );
    expect(rows[0].hours).toBeGreaterThan(5.9);
    expect(rows[0].hours).toBeLessThan(6.1);
  });

  it('signs out here: the session ends, and the old cookie stands for nobody', async () => {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, login, ALAN);
    await visitor.post(action, fields);
    const stolen = visitor.cookies(stack.web.url);
    const page = await visitor.post(`${stack.web.url}/logout`, {});
    expect(page.text).toContain('Signed out');
    const again = await fetch(`${stack.web.url}/session`, { headers: { cookie: stolen } });
    expect(again.status).toBe(401);
  });

  it('does not sign anybody out for another site', async () => {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, login, ALAN);
    await visitor.post(action, fields);
    const headers = { 'sec-fetch-site': 'cross-site' };
    const page = await visitor.postOnce(`${stack.web.url}/logout`, new URLSearchParams(), headers);
    expect(codeOf(page)).toBe('http.cross_site');
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(200);
  });

  it('accepts a response once, also when it is posted twice at once and to two instances', async () => {
    const other = await stack.another();
    const visitor = new Visitor();
    const { fields } = await askIdp(visitor, login, ADA);
    const before = await rowsOf('sessions');
    const twins = await Promise.all(
      [stack.web.url, other.url, stack.web.url, other.url].map(async (url) => {
        const response = await fetch(`${url}/saml/demo/acs`, {
          method: 'POST',
          redirect: 'manual',
          body: new URLSearchParams(fields),
          headers: { cookie: visitor.cookies(stack.web.url), accept: 'application/json' },
        });
        return { status: response.status, body: await response.text() };
      }),
    );
    expect(twins.map((twin) => twin.status).sort()).toEqual([303, 403, 403, 403]);
    expect(await rowsOf('sessions')).toBe(before + 1);
    const page = await visitor.postOnce(acs, new URLSearchParams(fields));
    expect(codeOf(page)).toBe('saml.refused');
    expect(logged(referenceOf(page)).code).toBe('saml.request_unknown');
  });

  it('binds a sign-in to the browser that asked', async () => {
    const { action, fields } = await askIdp(new Visitor(), login, ADA);
    const page = await new Visitor().postOnce(action, new URLSearchParams(fields));
    expect(page.status).toBe(403);
    expect(logged(referenceOf(page)).code).toBe('saml.other_browser');
  });

  it('gives the browser a new cookie at sign-in', async () => {
    const visitor = new Visitor();
    visitor.plant(stack.web.url, 'rollcall', 's%3Aplanted.signature');
    const { action, fields } = await askIdp(visitor, login, ADA);
    await visitor.post(action, fields);
    expect(visitor.cookies(stack.web.url)).not.toContain('planted');
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(200);
  });

  it.each([
    ['//evil.example', 400],
    ['https://evil.example/', 400],
    ['/\\evil.example', 400],
    ['/%0d%0aset-cookie:x', 400],
  ])('refuses the return address %s', async (target, status) => {
    const url = `${stack.web.url}/saml/demo/login?return_to=${encodeURIComponent(target)}`;
    const page = await new Visitor().get(url);
    expect(page.status).toBe(status);
    expect(codeOf(page)).toBe('http.bad_return_to');
  });

  it.each([
    ['nothing', '', 403, 'saml.refused'],
    ['an empty response', 'SAMLResponse=', 403, 'saml.refused'],
    ['two responses', 'SAMLResponse=PGE%2B&SAMLResponse=PGE%2B', 403, 'saml.refused'],
    ['1 MB', `SAMLResponse=${'A'.repeat(1024 * 1024)}`, 413, 'http.body_too_large'],
    [
      '300 KB of XML',
      `SAMLResponse=${Buffer.alloc(270_000, '<a/>').toString('base64url')}`,
      403,
      'saml.refused',
    ],
    ['no XML', 'SAMLResponse=aGVsbG8%3D', 403, 'saml.refused'],
    [
      'a thousand fields',
      Array.from({ length: 1000 }, (_, i) => `f${i}=1`).join('&'),
      400,
      'http.bad_body',
    ],
  ])(
    'answers %s at the ACS with a page, a code and a reference',
    async (_name, body, status, code) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const page = await new Visitor().postOnce(acs, body, headers);
      expect(page.status).toBe(status);
      expect(codeOf(page)).toBe(code);
      expect(logged(referenceOf(page))).toMatchObject({
        expected: expect.anything(),
        received: expect.anything(),
      });
    },
  );

  it('answers a JSON body and no body at all alike', async () => {
    for (const init of [
      { body: '{"SAMLResponse":"x"}', headers: { 'content-type': 'application/json' } },
      {},
    ]) {
      const response = await fetch(acs, { method: 'POST', ...init });
      expect(response.status).toBe(403);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(await response.json()).toMatchObject({
        code: 'saml.refused',
        reference: expect.any(String),
      });
    }
  });

  it('knows no connection that is not configured', async () => {
    for (const path of ['login', 'metadata']) {
      const response = await fetch(`${stack.web.url}/saml/nobody/${path}`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'connection.unknown' });
    }
  });

  it('does not let a signed-out browser see guarded pages, and brings it back after sign-in', async () => {
    const page = await new Visitor().get(`${stack.web.url}/reports`);
    expect(page.url).toMatch(/\/sso\?/);
    const api = await fetch(`${stack.web.url}/reports`, {
      headers: { accept: 'application/json' },
    });
    expect(api.status).toBe(401);
  });

  it('is live, ready and healthy', async () => {
    for (const path of ['livez', 'readyz', 'health']) {
      expect((await fetch(`${stack.web.url}/${path}`)).status).toBe(200);
    }
  });

  it('writes no secret, no assertion and no cookie into the log', () => {
    const all = stack.logged.join('\n');
    for (const secret of [...Object.values(stack.env), 'PHNhbWxw', 'SAMLResponse=']) {
      expect(all).not.toContain(secret);
    }
  });
});
