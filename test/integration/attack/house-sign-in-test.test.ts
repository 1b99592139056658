import { toConnectionId } from '@rollcall/shared/core/ids';
import { overPool } from '@rollcall/shared/db/database';
import { makeTestTicket } from '@rollcall/shared/db/sign-in-tests';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../../support/service.ts';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

/** The door for tests, used by somebody who was given no ticket. */
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

const door = () => `${stack.web.url}/saml/demo`;
const FORGED = `rollcall-test-${'A'.repeat(29)}`;

function logOf(page: string): Promise<unknown> {
  const reference = /[0-9A-Z]{4}-[0-9A-Z]{6}/.exec(page)?.[0];
  expect(reference).toBeDefined();
  return until(`the log of ${reference}`, 5_000, async () =>
    stack.logged.some((line) => line.includes(String(reference))),
  );
}

it('a browser that only says that it tests has nothing verified, and is logged', async () => {
  const visitor = new Visitor();
  const { action, fields } = await askIdp(visitor, `${door()}/login`, ADA);
  // A response that would verify, if the request were of this browser.
  for (const name of ['rollcall-browser', 'rollcall-browser-lax']) {
    visitor.plant(action, name, FORGED);
  }
  const page = await visitor.post(action, fields);
  expect(page.status).toBe(410);
  await logOf(page.text);
});

it('a ticket that is good for nothing is logged', async () => {
  const page = await new Visitor().get(`${door()}/login?test=x`);
  expect(page.status).toBe(410);
  await logOf(page.text);
});

it('a test that is over is over: the response is not even verified', async () => {
  const visitor = new Visitor();
  const db = overPool(stack.fresh.pool);
  const ticket = await makeTestTicket(db, toConnectionId('demo'), 'oda', currentTime());
  const { action, fields } = await askIdp(visitor, `${door()}/login?test=${ticket}`, ADA);
  await stack.fresh.pool.query("update sign_in_tests set expires_at = now() - interval '1 second'");
  // What verifies takes the request that it answers, and is remembered as used.
  const remembered = async () => (await stack.fresh.pool.query('select * from one_time')).rows;
  const before = await remembered();
  const page = await visitor.post(action, fields);
  expect(page.status).toBe(410);
  expect(await remembered()).toEqual(before);
  await logOf(page.text);
});
