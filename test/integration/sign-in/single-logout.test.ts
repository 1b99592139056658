import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { ADA, ALAN, type Stack, startStack } from '../../support/stack.ts';
import { type Answer, askIdp, Visitor } from '../../support/visitor.ts';

/** Where a page sends the browser by itself. */
function refreshOf(page: Answer): string {
  const url = /url=(.*)$/.exec(page.headers.get('refresh') ?? '')?.[1];
  if (url === undefined) throw new Error(`no refresh at ${page.url}: ${page.text.slice(0, 400)}`);
  return url;
}

function howOf(page: Answer): string | undefined {
  return /data-how="([^"]*)"/.exec(page.text)?.[1];
}

describeOnBothEngines('single logout', (engine) => {
  let stack: Stack;
  let base: string;
  beforeAll(async () => {
    stack = await startStack({ engine, ownKey: true });
    base = stack.web.url;
  });
  afterAll(() => stack.close());

  async function signIn(person: string): Promise<Visitor> {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, `${base}/saml/demo/login`, person);
    await visitor.post(action, fields);
    return visitor;
  }

  async function isSignedIn(visitor: Visitor): Promise<boolean> {
    return (await visitor.json(`${base}/session`)).status === 200;
  }

  function lastLogged(event: string): Record<string, unknown> {
    const line = stack.logged.findLast((one) => one.includes(`"event":"${event}"`));
    return JSON.parse(line ?? '{}') as Record<string, unknown>;
  }

  describe('begun here', () => {
    it('ends the session here first, then at the identity provider, and says so', async () => {
      const visitor = await signIn(ADA);
      const sent = await visitor.post(`${base}/logout`, {});
      // Nothing has been asked of the identity provider yet.
      expect(await isSignedIn(visitor)).toBe(false);
      const toIdp = refreshOf(sent);
      expect(toIdp).toMatch(new RegExp(`^${stack.idp.url}/slo\\?SAMLRequest=`));
      const end = await visitor.get(toIdp);
      expect(new URL(end.url).pathname).toBe('/saml/demo/logout');
      expect(howOf(end)).toBe('everywhere');
      // The identity provider has forgotten the session: its page offers no sign-out any more.
      expect((await visitor.get(stack.idp.url)).text).not.toContain(`sign-out-${ADA}`);
    });

    it('leaves the person signed out where the identity provider never answers', async () => {
      const visitor = await signIn(ADA);
      await visitor.post(`${base}/logout`, {});
      expect(await isSignedIn(visitor)).toBe(false);
    });

    it('is not ended by an answer in another browser, nor twice', async () => {
      const visitor = await signIn(ADA);
      const toIdp = refreshOf(await visitor.post(`${base}/logout`, {}));
      const other = new Visitor();
      expect(howOf(await other.get(toIdp))).toBe('unknown');
      expect(lastLogged('logout.refused')).toMatchObject({ code: 'saml.other_browser' });
      expect(howOf(await visitor.get(toIdp))).toBe('unknown');
      expect(lastLogged('logout.refused')).toMatchObject({ code: 'saml.logout_request_unknown' });
    });

    it('asks nobody for a program, which gets 204', async () => {
      const visitor = await signIn(ADA);
      const answer = await fetch(`${base}/logout`, {
        method: 'POST',
        headers: { cookie: visitor.cookies(base), accept: 'application/json' },
      });
      expect(answer.status).toBe(204);
      expect(await isSignedIn(visitor)).toBe(false);
    });

    it('does not happen for another site', async () => {
      const visitor = await signIn(ADA);
      const headers = { 'sec-fetch-site': 'cross-site' };
      const page = await visitor.postOnce(`${base}/logout`, new URLSearchParams(), headers);
      expect(page.status).toBe(403);
      expect(page.headers.get('refresh')).toBeNull();
      expect(await isSignedIn(visitor)).toBe(true);
    });
  });

  describe('begun at the identity provider', () => {
    it('ends the sessions of the person in every browser, and nobody else’s', async () => {
      const [one, two, other] = [await signIn(ALAN), await signIn(ALAN), await signIn(ADA)];
      const admin = new Visitor();
      const first = await admin.post(`${stack.idp.url}/people/${ALAN}/sign-out`, {});
      // Whoever is at the identity provider has none of the cookies of the app.
      const end = await admin.get(refreshOf(first));
      expect(end.text).toContain('Alan Turing has been signed out everywhere.');
      expect(lastLogged('logout.sessions_ended')).toMatchObject({ sessions: 2 });
      expect(await isSignedIn(one)).toBe(false);
      expect(await isSignedIn(two)).toBe(false);
      expect(await isSignedIn(other)).toBe(true);
      const told = await one.json(`${base}/session`);
      expect(JSON.parse(told.text)).toMatchObject({
        detail: expect.stringContaining('signed out at the identity provider'),
      });
    });

    it('counts once: the same address again ends nothing', async () => {
      await signIn(ALAN);
      const admin = new Visitor();
      const url = refreshOf(await admin.post(`${stack.idp.url}/people/${ALAN}/sign-out`, {}));
      await admin.get(url);
      const again = await admin.get(url);
      expect(again.status).toBe(403);
      expect(lastLogged('logout.refused')).toMatchObject({ code: 'saml.logout_replayed' });
    });
  });

  it.each<[string, (url: string) => Promise<Response>, number, string]>([
    ['by hand', (url) => fetch(url), 403, 'saml.logout_query_malformed'],
    [
      'by an empty form',
      (url) => fetch(url, { method: 'POST' }),
      403,
      'saml.logout_message_missing',
    ],
    [
      'with a repeated message',
      (url) => fetch(`${url}?SAMLRequest=a&SAMLRequest=b`),
      403,
      'saml.logout_query_malformed',
    ],
    [
      'with an encoded name, which a parser would read',
      (url) => fetch(`${url}?%53AMLRequest=a&SigAlg=x&Signature=y`),
      403,
      'saml.logout_query_malformed',
    ],
    ['unsigned', (url) => fetch(`${url}?SAMLRequest=a`), 403, 'saml.logout_not_signed'],
  ])('opened %s ends nothing', async (_how, open, status, code) => {
    const answer = await open(`${base}/saml/demo/logout`);
    expect(answer.status).toBe(status);
    const body = (await answer.json()) as { code: string; reference: string };
    expect(body.code).toBe('saml.logout_refused');
    expect(lastLogged('logout.refused')).toMatchObject({ code, ref: body.reference });
  });

  it('answers a form that is too large with its code, and other methods with 404', async () => {
    const body = new URLSearchParams({ SAMLRequest: 'A'.repeat(1024 * 1024) });
    const large = await fetch(`${base}/saml/demo/logout`, { method: 'POST', body });
    expect(large.status).toBe(413);
    expect((await fetch(`${base}/saml/demo/logout`, { method: 'PUT' })).status).toBe(404);
    expect((await fetch(`${base}/saml/nobody/logout`)).status).toBe(404);
  });

  it('is offered in our metadata', async () => {
    const metadata = await (await fetch(`${base}/saml/demo/metadata`)).text();
    expect(metadata).toContain(`Location="${base}/saml/demo/logout"`);
  });
});
