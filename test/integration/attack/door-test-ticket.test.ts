import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRACE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

/** Any page can have the browsers of its readers fetch any address, as an image. */
describe('a page of somebody else that asks for a test sign-in', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  it('does not spoil the sign-in that is under way in the same browser', async () => {
    const grace = new Visitor();
    const login = `${stack.web.url}/saml/demo/login`;
    const { action, fields } = await askIdp(grace, login, GRACE);
    const image = await grace.get(`${login}?test=nothing`);
    expect(image.status).toBe(410);
    await grace.post(action, fields);
    expect((await grace.json(`${stack.web.url}/session`)).status).toBe(200);
  });
});
