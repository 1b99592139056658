import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRACE, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';
import { makeFolder, rollcallJson } from '../cli/rollcall.ts';

/** Whoever revokes sits at a machine of their own. */
describe('sessions that are revoked at a machine whose clock is off', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  const login = () => `${stack.web.url}/saml/demo/login`;
  const revokeAt = async (minutes: number, ...whose: string[]): Promise<void> => {
    const cwd = makeFolder();
    const config = { ...stack.config, database: { url: 'env:DATABASE_URL' } };
    writeFileSync(join(cwd, 'rollcall.yaml'), JSON.stringify(config));
    const off = `const now=Date.now;Date.now=()=>now()+${minutes * 60_000}`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(off)}`;
    const env = { ...stack.env, NODE_OPTIONS };
    expect(await rollcallJson(['sessions', 'revoke', ...whose], { cwd, env })).toMatchObject({
      code: 0,
    });
  };
  const statusOf = async (visitor: Visitor): Promise<number> =>
    (await visitor.json(`${stack.web.url}/session`)).status;

  it('let in nobody who had begun before: ten minutes behind', async () => {
    const grace = new Visitor();
    const begun = await askIdp(grace, login(), GRACE);
    await revokeAt(-10, '--connection', 'demo');
    await grace.post(begun.action, begun.fields);
    expect(await statusOf(grace)).toBe(401);
  }, 30_000);

  it.each([
    ['a connection', '--connection', 'demo'],
    ['a user', '--user', GRACE],
  ])(
    'do not keep anybody out: %s, ten minutes ahead',
    async (_, ...whose) => {
      const grace = new Visitor();
      const first = await askIdp(grace, login(), GRACE);
      await grace.post(first.action, first.fields);
      await revokeAt(10, ...whose);
      expect(await statusOf(grace)).toBe(401);
      const again = await askIdp(grace, login(), GRACE);
      await grace.post(again.action, again.fields);
      expect(await statusOf(grace)).toBe(200);
    },
    30_000,
  );
});
