import { randomUUID } from 'node:crypto';
import { apply } from '@rollcall/shared/access/apply';
import type { UserId } from '@rollcall/shared/core/ids';
import { inTransaction, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADA, ALAN, KATHERINE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

describe('what an earlier session is worth later', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  async function signIn(person: string): Promise<{ visitor: Visitor; status: number }> {
    const visitor = new Visitor();
    const { action, fields } = await askIdp(visitor, `${stack.web.url}/saml/demo/login`, person);
    return { visitor, status: (await visitor.post(action, fields)).status };
  }

  it('nothing, once a sign-in was refused because no role is left', async () => {
    const { visitor } = await signIn(ALAN);
    stack.idp.directory.regroup(ALAN, []);
    expect((await signIn(ALAN)).status).toBe(403);
    expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(401);
  });

  it('does not keep somebody out whose access was given back', async () => {
    const { visitor } = await signIn(KATHERINE);
    const session = await visitor.json(`${stack.web.url}/session`);
    const userId = JSON.parse(session.text).user.id as UserId;
    const db = overPool(stack.fresh.pool);
    const actor = { kind: 'operator' as const, name: `tester ${randomUUID()}` };
    for (const kind of ['deactivate', 'restore'] as const) {
      const outcome = await inTransaction(db, (tx) =>
        apply(
          tx,
          {
            kind,
            userId,
            expectedVersion: null,
            observedAt: null,
            reason: 'by_hand',
            evidence: {},
          },
          actor,
          currentTime(),
        ),
      );
      expect(outcome.kind).toBe('applied');
    }
    // The browser still has the cookie of the session that ended.
    const page = await visitor.get(`${stack.web.url}/reports`);
    const wayIn = new URL(page.url).pathname !== '/reports' || page.text.includes('href="/login');
    expect(wayIn, `no way back in: ${page.status} ${page.text}`).toBe(true);
  });

  it('is not in a cache: pages of somebody who is signed in are not kept', async () => {
    const { visitor } = await signIn(ADA);
    for (const path of ['/', '/reports']) {
      const page = await visitor.get(stack.web.url + path);
      expect(page.status).toBe(200);
      expect(page.headers.get('cache-control') ?? 'nothing said').toContain('no-store');
    }
  });
});
