import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../support/stack.ts';

/** What is said of refusals is made of what strangers post. */
describe('a stranger who posts what no database takes', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  const post = async (xml: string): Promise<void> => {
    const SAMLResponse = Buffer.from(xml).toString('base64');
    const body = new URLSearchParams({ SAMLResponse });
    const answer = await fetch(`${stack.web.url}/saml/demo/acs`, { method: 'POST', body });
    await answer.arrayBuffer();
    expect(answer.status).toBe(403);
  };
  const codes = async (): Promise<unknown[]> => {
    const { rows } = await stack.fresh.pool.query('select code from sign_in_refusals');
    return rows.map(({ code }) => code);
  };

  it('does not stop the record of everybody else', async () => {
    // Escaped, the first letter takes eight: the text is then cut within a surrogate pair.
    const cut = `\u{200b}a${'\u{1f600}'.repeat(149)}`;
    await post(`<a Algorithm="${cut}"/>`);
    await post('<!DOCTYPE a>');
    await expect
      .poll(codes, { timeout: 8_000 })
      .toEqual(expect.arrayContaining(['saml.algorithm_not_allowed', 'saml.forbidden_markup']));
    expect(stack.logged.filter((line) => line.includes('sign_in_record.failed'))).toEqual([]);
  }, 20_000);
});
