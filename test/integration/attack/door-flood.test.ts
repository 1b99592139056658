import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../support/stack.ts';

/** Anybody may begin a sign-in, and each is remembered for ten minutes. */
describe('one client that begins sign-ins and never ends them', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  it('is told to wait before it fills the table', async () => {
    const statuses = new Map<number, number>();
    for (let round = 0; round < 60; round++) {
      const answers = await Promise.all(
        Array.from({ length: 25 }, async () => {
          const answer = await fetch(`${stack.web.url}/saml/demo/login`, { redirect: 'manual' });
          await answer.arrayBuffer();
          return answer.status;
        }),
      );
      for (const status of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    const { rows } = await stack.fresh.pool.query('select count(*)::int as n from one_time');
    expect(statuses.get(429) ?? 0, `${rows[0].n} rows by 1500 requests`).toBeGreaterThan(0);
  }, 60_000);
});
