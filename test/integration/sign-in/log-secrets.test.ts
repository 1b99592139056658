import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { ADA, ALAN, CHARLES, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

/** Everything that must be in no log, with a name for the report. */
class Secrets {
  readonly #values = new Map<string, string>();

  add(name: string, value: string | null | undefined): void {
    // Shorter ones occur by chance, and none of ours is.
    if (value === null || value === undefined || value.length < 12) return;
    this.#values.set(value, name);
    const escaped = encodeURIComponent(value);
    if (escaped !== value) this.#values.set(escaped, `${name}, as in an address`);
  }

  /** The cookies of a browser: whole, and the id without its signature. */
  addCookies(header: string): void {
    for (const pair of header.split('; ')) {
      const value = pair.slice(pair.indexOf('=') + 1);
      const decoded = decodeURIComponent(value);
      this.add('a cookie', decoded);
      this.add('what a cookie signs', decoded.replace(/^s:/, '').split('.')[0]);
    }
  }

  /** A response: as it was posted, and pieces of what is in it. */
  addResponse(encoded: string): void {
    this.add('a posted response', encoded.slice(0, 60));
    this.add('a posted response', encoded.slice(200, 260));
    const xml = Buffer.from(encoded, 'base64').toString('utf8');
    for (const [, piece = ''] of xml.matchAll(/<[\w:]*SignatureValue>([^<]+)</g)) {
      this.add('a signature', piece.trim().slice(0, 40));
    }
    this.add('a session of the provider', /SessionIndex="([^"]+)"/.exec(xml)?.[1]);
    this.add('XML of an assertion', '<saml:Assertion');
    this.add('XML of an assertion', 'AttributeStatement>');
  }

  foundIn(text: string): string[] {
    return [...this.#values].filter(([value]) => text.includes(value)).map(([, name]) => name);
  }

  get size(): number {
    return this.#values.size;
  }
}

describeOnBothEngines('the log of good and refused sign-ins', (engine) => {
  let stack: Stack;
  const secrets = new Secrets();
  beforeAll(async () => {
    stack = await startStack({ engine });
    for (const [name, value] of Object.entries(stack.env)) secrets.add(name, value);
  });
  afterAll(() => stack.close());

  function acs(): string {
    return `${stack.web.url}/saml/demo/acs`;
  }

  async function ask(visitor: Visitor, person: string): Promise<Record<string, string>> {
    const { fields } = await askIdp(visitor, `${stack.web.url}/saml/demo/login`, person);
    secrets.addCookies(visitor.cookies(stack.web.url));
    secrets.add('RelayState', fields.RelayState);
    secrets.addResponse(fields.SAMLResponse ?? '');
    return fields;
  }

  async function post(visitor: Visitor, fields: Record<string, string>): Promise<number> {
    const answer = await visitor.postOnce(acs(), new URLSearchParams(fields));
    secrets.addCookies(visitor.cookies(stack.web.url));
    return answer.status;
  }

  /** Ids of sessions, wherever they are kept. */
  async function addSessions(): Promise<void> {
    const { rows } = await stack.fresh.pool.query(
      'select id::text as id from sessions union all select sid from http_sessions',
    );
    for (const { id } of rows) secrets.add('a session', id);
    if (stack.redis === null) return;
    const redis = new Redis(stack.redis.url);
    for (const key of await redis.keys('rollcall:session:*')) {
      secrets.add('a session in Redis', key.split(':').at(-1));
    }
    redis.disconnect();
  }

  it('has no secret, cookie, assertion or session id in it', async () => {
    const ada = new Visitor();
    const first = await ask(ada, ADA);
    expect(await post(ada, first)).toBe(303);
    await ada.get(`${stack.web.url}/reports`);
    // Used before.
    expect(await post(ada, first)).toBe(403);
    // Another browser.
    expect(await post(new Visitor(), await ask(new Visitor(), ADA))).toBe(403);
    // Changed on the way, one byte of what is signed.
    const changed = await ask(ada, ADA);
    const xml = Buffer.from(changed.SAMLResponse ?? '', 'base64').toString('utf8');
    const other = Buffer.from(xml.replaceAll('Lovelace', 'Lovelyce')).toString('base64');
    expect(await post(ada, { ...changed, SAMLResponse: other })).toBe(403);
    // Cut off, and no base64 at all.
    const cut = await ask(ada, ADA);
    expect(
      await post(ada, { ...cut, SAMLResponse: (cut.SAMLResponse ?? '').slice(0, 4_000) }),
    ).toBe(403);
    expect(await post(ada, { ...cut, SAMLResponse: `<${cut.SAMLResponse}` })).toBe(403);
    // Nobody to let in.
    const charles = new Visitor();
    expect(await post(charles, await ask(charles, CHARLES))).toBe(403);
    // Too large.
    expect(await post(ada, { SAMLResponse: 'A'.repeat(1024 * 1024) })).toBe(413);
    // A return address with something secret in its query.
    secrets.add('a query', 'token-that-nobody-may-see');
    const bad = '//evil.example/?t=token-that-nobody-may-see';
    await ada.get(`${stack.web.url}/saml/demo/login?return_to=${encodeURIComponent(bad)}`);
    // Comes, and goes again.
    const alan = new Visitor();
    expect(await post(alan, await ask(alan, ALAN))).toBe(303);
    await addSessions();
    await alan.post(`${stack.web.url}/logout`, {});
    await addSessions();

    expect(secrets.size).toBeGreaterThan(40);
    const all = stack.logged.join('\n');
    expect(secrets.foundIn(all)).toEqual([]);
    // The same search finds what is there.
    const control = new Secrets();
    control.add('control', 'sign_in.admitted');
    expect(control.foundIn(all)).toEqual(['control']);
  });

  it('has of every refusal reference, connection, code, expected and received', () => {
    const refusals = stack.logged
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'sign_in.refused');
    const codes = refusals.map(({ code }) => code);
    expect(new Set(codes)).toEqual(
      new Set([
        'saml.request_unknown',
        'saml.other_browser',
        'saml.digest_mismatch',
        'saml.not_xml',
        'saml.bad_base64',
        'access.no_role',
        'http.body_too_large',
        'http.bad_return_to',
      ]),
    );
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        ref: expect.stringMatching(/^[0-9A-Z]{4}-[0-9A-Z]{6}$/),
        connection: 'demo',
        expected: expect.anything(),
        received: expect.anything(),
      });
    }
  });

  it('has the reference of every page that says no, also where no connection is named', async () => {
    for (const path of ['/saml/nobody/login', '/saml/demo/acs', '/saml/demo/elsewhere']) {
      const response = await fetch(`${stack.web.url}${path}`);
      const { code, reference } = (await response.json()) as Record<string, string>;
      const line = stack.logged.find((entry) => entry.includes(`"ref":"${reference}"`)) ?? '{}';
      expect(JSON.parse(line)).toMatchObject({
        code,
        expected: expect.anything(),
        received: expect.anything(),
      });
    }
  });

  it('is kept for the operator likewise, without a secret', async () => {
    await stack.web.auth.close();
    const { rows } = await stack.fresh.pool.query('select * from sign_in_refusals');
    expect(rows.length).toBe(8);
    expect(secrets.foundIn(JSON.stringify(rows))).toEqual([]);
  });
});
