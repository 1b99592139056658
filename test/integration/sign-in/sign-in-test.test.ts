import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommandLine } from '@rollcall/cli/main';
import { openTerminal } from '@rollcall/cli/terminal';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { type Database, overPool } from '@rollcall/shared/db/database';
import { makeTestTicket, readTest, TEST_MS } from '@rollcall/shared/db/sign-in-tests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/service.ts';
import { ADA, CHARLES, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

const DEMO = toConnectionId('demo');

describe('a test sign-in', () => {
  let stack: Stack;
  let db: Database;
  beforeAll(async () => {
    stack = await startStack();
    db = overPool(stack.fresh.pool);
  });
  afterAll(() => stack.close());

  const address = (ticket: string) => `${stack.web.url}/saml/demo/login?test=${ticket}`;
  const ticketFor = (now = currentTime()) => makeTestTicket(db, DEMO, 'oda', now);

  /** Everything that a sign-in would write. */
  async function written(): Promise<unknown> {
    const counts = ['users', 'grants', 'sessions', 'outbox'].map(
      (table) => `(select count(*) from ${table}) as ${table}`,
    );
    return (await stack.fresh.pool.query(`select ${counts.join(', ')}`)).rows[0];
  }

  async function tests(): Promise<{ actor: unknown; evidence: unknown; user_id: unknown }[]> {
    const sql = `select actor, evidence, user_id from audit_events where kind = 'sign_in.tested' order by id`;
    return (await stack.fresh.pool.query(sql)).rows;
  }

  it('shows what would follow, in the browser and to whoever made the ticket, and writes nothing', async () => {
    const before = await written();
    const visitor = new Visitor();
    const ticket = await ticketFor();
    const { action, fields } = await askIdp(visitor, address(ticket), ADA);
    const page = await visitor.post(action, fields);
    expect(page.status).toBe(200);
    expect(page.text).toContain('This sign-in would be let in');
    expect(page.text).toContain('BI-Analysts');
    expect(await written()).toEqual(before);
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(401);

    const test = await readTest(db, ticket);
    expect(test?.report).toMatchObject({
      ok: true,
      failure: null,
      seen: {
        subject: ADA,
        profile: { email: 'ada@acme.example', given_name: 'Ada', family_name: 'Lovelace' },
        mapping: {
          kind: 'known',
          roles: ['analyst', 'editor', 'finance'],
          unmatched: ['Everyone'],
        },
        roles: { roles: ['analyst', 'editor', 'finance'] },
        knownUser: null,
      },
    });
    expect(new Set(test?.report?.steps.map(({ state }) => state))).toEqual(new Set(['passed']));
    expect((await tests()).at(-1)).toEqual({
      actor: { kind: 'operator', name: 'oda' },
      evidence: { ok: true, code: null },
      user_id: null,
    });
  });

  it('shows what is wrong with a response, and nothing that it says', async () => {
    const visitor = new Visitor();
    const ticket = await ticketFor();
    const { action, fields } = await askIdp(visitor, address(ticket), ADA);
    const xml = Buffer.from(fields.SAMLResponse ?? '', 'base64').toString('utf8');
    const forged = Buffer.from(xml.replace('ada@acme.example', 'eve@acme.example'));
    const posted = { ...fields, SAMLResponse: forged.toString('base64') };
    const page = await visitor.post(action, posted);
    expect(page.text).toContain('This sign-in would be refused');
    expect(page.text).not.toContain('eve@acme.example');
    const test = await readTest(db, ticket);
    expect(test?.report).toMatchObject({ ok: false, seen: null });
    expect(test?.report?.failure?.code).toMatch(/^saml\.(digest|signature|reference)/);
    const states = test?.report?.steps.map(({ state }) => state) ?? [];
    expect(states.indexOf('failed')).toBeGreaterThan(0);
    expect(states.at(-1)).toBe('not reached');
  });

  it('shows the groups of somebody whom no rule matches', async () => {
    const before = await written();
    const visitor = new Visitor();
    const ticket = await ticketFor();
    const { action, fields } = await askIdp(visitor, address(ticket), CHARLES);
    const page = await visitor.post(action, fields);
    expect(page.text).toContain('access.no_role');
    const test = await readTest(db, ticket);
    expect(test?.report).toMatchObject({
      ok: false,
      failure: { code: 'access.no_role' },
      seen: { subject: CHARLES, roles: null, mapping: { kind: 'known', roles: [] } },
    });
    expect(await written()).toEqual(before);
  });

  it('works once, in time, and for its own connection', async () => {
    const used = await ticketFor();
    await askIdp(new Visitor(), address(used), ADA);
    const old = await ticketFor((currentTime() - TEST_MS - 1) as ReturnType<typeof currentTime>);
    const elsewhere = await makeTestTicket(db, toConnectionId('other'), 'oda', currentTime());
    for (const ticket of [used, old, elsewhere, 'x', '']) {
      const page = await new Visitor().get(address(ticket));
      expect(page.status, ticket).toBe(410);
      expect(page.text).toContain('test.ticket_unusable');
    }
  });

  it('two browsers with one ticket: one gets it', async () => {
    const ticket = await ticketFor();
    const pages = await Promise.all(
      Array.from({ length: 5 }, () => fetch(address(ticket), { redirect: 'manual' })),
    );
    expect(pages.map(({ status }) => status).sort()).toEqual([302, 410, 410, 410, 410]);
  });

  it('never signs the browser in, whatever comes after', async () => {
    const visitor = new Visitor();
    const ticket = await ticketFor();
    const { action, fields } = await askIdp(visitor, address(ticket), ADA);
    const cookie = visitor.cookies(action);
    await visitor.post(action, fields);
    const before = await written();
    // The same browser's secret once more, as somebody would who kept it.
    const again = await fetch(action, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { cookie },
      redirect: 'manual',
    });
    expect(again.status).toBe(410);
    expect(await written()).toEqual(before);
    // And an ordinary sign-in by that browser is one again.
    const login = `${stack.web.url}/saml/demo/login`;
    const ordinary = await askIdp(visitor, login, ADA);
    await visitor.post(ordinary.action, ordinary.fields);
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(200);
  });

  it('is made and read at the command line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
    const config = { ...(stack.config as object), database: { url: 'env:DATABASE_URL' } };
    const file = join(folder, 'rollcall.yaml');
    writeFileSync(file, JSON.stringify(config));
    const out: string[] = [];
    const err: string[] = [];
    const terminal = openTerminal(
      { write: (text) => out.push(text) },
      { write: (text) => err.push(text) },
      {},
    );
    const done = runCommandLine(['connection', 'test', 'demo', '--json', '--config', file], {
      env: stack.env,
      workingDirectory: folder,
      terminal,
    });
    await Promise.race([
      done,
      until('the address', 20_000, async () => err.join('').includes('test=')),
    ]);
    expect([out.join(''), err.join('')]).toEqual(['', expect.stringContaining('test=')]);
    const url = /http\S+test=\S+/.exec(err.join(''))?.[0] ?? '';
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, url, ADA);
    await visitor.post(action, fields);
    expect(await done).toBe(0);
    expect(JSON.parse(out.join(''))).toMatchObject({ ok: true, seen: { subject: ADA } });
    expect(out.join('')).not.toContain('test=');
    // What was seen is gone with the ticket.
    const { rows } = await stack.fresh.pool.query(
      'select 1 from sign_in_tests where made_by <> $1',
      ['oda'],
    );
    expect(rows).toEqual([]);
  });
});
