import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, formOf, Visitor } from '../../support/visitor.ts';
import { severalConnections } from './several-connections.ts';

describe('the sign-in page of several connections', () => {
  let stack: Stack;
  let page: string;
  beforeAll(async () => {
    stack = await startStack(severalConnections());
    page = `${stack.web.url}/login`;
  });
  afterAll(() => stack.close());

  const choose = (email: string, returnTo = '/reports') =>
    new Visitor().postOnce(page, new URLSearchParams({ email, return_to: returnTo }));

  it('asks for an e-mail address and lists the connections, with where to go afterwards', async () => {
    const answer = await new Visitor().get(`${page}?return_to=%2Freports%3Fa%3D1%262`);
    expect(answer.status).toBe(200);
    expect(formOf(answer)).toEqual({
      action: page,
      fields: { email: '', return_to: '/reports?a=1&2' },
    });
    expect(answer.text).toContain('<label for="email">');
    expect(answer.text).toContain('autocomplete="username"');
    expect(answer.text).toContain('Acme &lt;staff&gt;</a>');
    expect(answer.text).toContain('href="/saml/globex/login?return_to=%2Freports%3Fa%3D1%262"');
    expect(answer.text).toContain('away</a> (not available at the moment)');
    expect(answer.text).not.toContain('<script');
  });

  it.each([
    ['ada@acme.example', 'demo'],
    ['nobody-at-all@acme.example', 'demo'],
    [' ADA@Acme.Example ', 'demo'],
    ['ada@bücher.example', 'demo'],
    ['hank@globex.example', 'globex'],
  ])('sends %s to %s, without the address', async (email, id) => {
    const answer = await choose(email);
    expect([answer.status, answer.location]).toEqual([
      303,
      `${stack.web.url}/saml/${id}/login?return_to=%2Freports`,
    ]);
  });

  it.each([
    ['ada@\u0430cme.example', 'an address at xn--cme-5cd.example'],
    ['ada@sub.acme.example', 'an address at sub.acme.example'],
    ['ada', 'whole e-mail address'],
    ['', 'whole e-mail address'],
  ])('says what is wrong with %j, and asks again', async (email, sentence) => {
    const answer = await choose(email);
    expect(answer.status).toBe(422);
    expect(answer.text).toMatch(new RegExp(`role="alert">[^<]*${sentence}`));
    expect(answer.text).toContain('aria-describedby="email-error"');
    expect(formOf(answer).fields).toMatchObject({ return_to: '/reports' });
    expect(answer.text).toContain('Acme &lt;staff&gt;</a>');
  });

  it('tells a program the code', async () => {
    const answer = await new Visitor().postOnce(
      page,
      new URLSearchParams({ email: 'a@b.example' }),
      {
        accept: 'application/json',
      },
    );
    expect(JSON.parse(answer.text)).toMatchObject({ status: 422, code: 'login.unknown_domain' });
  });

  it('logs the domain that nobody has, and no address', async () => {
    await choose('secret.person@unknown.example');
    const log = stack.logged.join('');
    expect(log).toContain('"domain":"unknown.example"');
    expect(log).not.toContain('secret.person');
  });

  it('refuses what is no form of its own', async () => {
    const large = new URLSearchParams({ email: 'x'.repeat(20_000) });
    expect((await new Visitor().postOnce(page, large)).status).toBe(413);
  });

  it('does not let return_to lead away', async () => {
    const answer = await choose('ada@acme.example', 'https://evil.example/');
    const next = await new Visitor().get(answer.location ?? '');
    expect([next.status, next.text]).toEqual([400, expect.stringContaining('http.bad_return_to')]);
  });

  it('offers first by what this browser signed in last, and believes no other cookie', async () => {
    const ada = new Visitor();
    const { action, fields } = await askIdp(ada, `${stack.web.url}/saml/demo/login`, ADA);
    await ada.post(action, fields);
    const again = await ada.get(`${page}?return_to=%2Fx`);
    expect(again.text).toMatch(
      /href="\/saml\/demo\/login\?return_to=%2Fx" autofocus>Continue with Acme &lt;staff&gt;</,
    );
    const forged = await fetch(page, {
      headers: { accept: 'text/html', cookie: 'rollcall-connection="><script>' },
    });
    expect(await forged.text()).not.toMatch(/Continue with|<script/);
  });
});

describe('the sign-in page that hides its connections', () => {
  it('only asks', async () => {
    const stack = await startStack(severalConnections({ show_connections: false }));
    try {
      const answer = await new Visitor().get(`${stack.web.url}/login`);
      expect(answer.text).toContain('<label for="email">');
      const wrong = await new Visitor().postOnce(
        `${stack.web.url}/login`,
        new URLSearchParams({ email: 'ada@nowhere.example' }),
      );
      for (const { text } of [answer, wrong]) expect(text).not.toMatch(/globex|Acme|away/);
      expect(wrong.text).toContain('ask whoever invited you');
    } finally {
      await stack.close();
    }
  });
});

describe('the sign-in page of one connection', () => {
  it('goes straight to it', async () => {
    const stack = await startStack();
    try {
      const answer = await fetch(`${stack.web.url}/login?return_to=%2Fx`, { redirect: 'manual' });
      expect(answer.headers.get('location')).toBe('/saml/demo/login?return_to=%2Fx');
    } finally {
      await stack.close();
    }
  });
});
