import { apply } from '@rollcall/shared/access/apply';
import type { AccessOutcome } from '@rollcall/shared/access/change';
import { toConnectionId, toSubject } from '@rollcall/shared/core/ids';
import { inTransaction, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { findUserBySubject } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeOnBothEngines } from '../../setup/redis.ts';
import { until } from '../../support/service.ts';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, formOf, Visitor } from '../../support/visitor.ts';
import { SWEEP, step } from '../access/people.ts';

describeOnBothEngines('somebody contained', (engine) => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ engine });
  });
  afterAll(() => stack.close());

  async function signIn(): Promise<Visitor> {
    const visitor = new Visitor();
    const login = `${stack.web.url}/saml/demo/login?return_to=%2Freports`;
    const { action, fields } = await askIdp(visitor, login, ADA);
    expect((await visitor.post(action, fields)).status).toBe(200);
    return visitor;
  }

  async function contain(): Promise<AccessOutcome> {
    const db = overPool(stack.fresh.pool);
    const user = await findUserBySubject(db, toConnectionId('demo'), toSubject(ADA));
    if (user === null) throw new Error('expected Ada');
    const change = step('contain', user.id, { reason: 'held' });
    return inTransaction(db, (tx) => apply(tx, change, SWEEP, currentTime()));
  }

  it('is asked for a fresh sign-in in every browser and program, and one is enough', async () => {
    const [here, there] = [await signIn(), await signIn()];
    // That sign-in works is written down within seconds, and nobody is contained before.
    await until('a containment', 20_000, async () => (await contain()).kind === 'applied');

    for (const visitor of [here, there]) {
      for (const path of ['/session', '/reports']) {
        const answer = await visitor.json(`${stack.web.url}${path}`);
        expect(answer.status).toBe(401);
        expect(answer.headers.get('content-type')).toContain('application/problem+json');
        expect(JSON.parse(answer.text)).toMatchObject({ code: 'session.fresh_sign_in_needed' });
      }
    }

    // A browser is sent to sign in, keeps what it was about to open, and comes back to it.
    const atIdp = await here.get(`${stack.web.url}/reports?month=7`);
    expect(new URL(atIdp.url).origin).not.toBe(stack.web.url);
    const chosen = formOf(atIdp);
    const posted = formOf(await here.post(chosen.action, { ...chosen.fields, person: ADA }));
    const back = await here.post(posted.action, posted.fields);
    expect(back).toMatchObject({ status: 200, url: `${stack.web.url}/reports?month=7` });

    for (const visitor of [here, there]) {
      expect((await visitor.json(`${stack.web.url}/session`)).status).toBe(200);
    }
    const { rows } = await stack.fresh.pool.query(
      "select kind, actor->>'kind' as by from audit_events where kind in ('user.contained', 'user.released') order by id",
    );
    expect(rows).toEqual([
      { kind: 'user.contained', by: 'sweep' },
      { kind: 'user.released', by: 'assertion' },
    ]);
  });
});
