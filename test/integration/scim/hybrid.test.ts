import { createToken } from '@rollcall/jit-auth/scim/tokens/token-book';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { inTransaction, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CORE_USER, type ScimClient, scimClient } from '../../support/scim.ts';
import { ADA, GRACE, HEDY, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';

let stack: Stack;
let client: ScimClient;
beforeAll(async () => {
  stack = await startStack({
    more: (config) => {
      const [connection] = config.connections as Record<string, unknown>[];
      Object.assign(connection ?? {}, { provisioning: 'both' });
    },
  });
  const request = {
    connectionId: toConnectionId('demo'),
    name: 'idp',
    expiresAt: null,
    networks: [],
  };
  const { secret } = await inTransaction(overPool(stack.fresh.pool), (tx) =>
    createToken(tx, request, 'test', currentTime()),
  );
  client = scimClient(`${stack.web.url}/scim/v2`, secret);
});
afterAll(() => stack.close());

async function signIn(person: string): Promise<Visitor> {
  const visitor = new Visitor();
  const { action, fields } = await askIdp(visitor, `${stack.web.url}/saml/demo/login`, person);
  await visitor.post(action, fields);
  return visitor;
}

async function session(
  visitor: Visitor,
): Promise<{ status: number; user: Record<string, unknown> | null }> {
  const { status, text } = await visitor.json(`${stack.web.url}/session`);
  return { status, user: JSON.parse(text).user ?? null };
}

it('one house for an employee who is pushed and a partner who just comes', async () => {
  const id = await client.user('ada@acme.example', {
    externalId: ADA,
    name: { givenName: 'Augusta Ada', familyName: 'King' },
    emails: [{ value: 'countess@acme.example', primary: true }],
  });
  const ada = await signIn(ADA);
  const grace = await signIn(GRACE);
  expect(await session(ada)).toMatchObject({
    status: 200,
    user: { id, email: 'countess@acme.example', givenName: 'Augusta Ada', familyName: 'King' },
  });
  const partner = (await session(grace)).user;
  expect(partner).not.toBeNull();
  expect((await client.get(`/Users/${partner?.id}`)).status).toBe(404);

  // Her open session dies with the answer; the partner's does not.
  expect(
    (await client.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'False' }]))
      .status,
  ).toBe(200);
  expect((await session(ada)).status).toBe(401);
  expect((await session(grace)).status).toBe(200);
  expect((await session(await signIn(ADA))).status).toBe(401);

  await client.patch(`/Users/${id}`, [{ op: 'Replace', path: 'active', value: 'True' }]);
  expect((await session(await signIn(ADA))).user).toMatchObject({ id });
});

it('roles by groups over SCIM are in the next request, and gone with the group', async () => {
  const id = await client.user('hedy@acme.example', { externalId: HEDY });
  const hedy = await signIn(HEDY);
  const before = ((await session(hedy)).user?.roles ?? []) as string[];
  const group = await client.group('Finance-Team', [id]);
  const visitor = before.length === 0 ? await signIn(HEDY) : hedy;
  expect((await session(visitor)).user?.roles).toEqual([...before, 'finance'].sort());
  await client.delete(`/Groups/${group}`);
  expect(((await session(visitor)).user?.roles ?? []) as string[]).toEqual(before);
});

it('a cookie opens nothing of SCIM, and a token no page', async () => {
  const visitor = await signIn(GRACE);
  expect((await visitor.json(`${stack.web.url}/scim/v2/Users`)).status).toBe(401);
  const answer = await client.send(
    'POST',
    '/Users',
    { schemas: [CORE_USER], userName: 'x' },
    { authorization: 'Basic eDp4' },
  );
  expect(answer.status).toBe(401);
  const again = await stack.another();
  const other = scimClient(`${again.url}/scim/v2`, 'rollcall_scim_nothing');
  expect((await other.get('/Users')).status).toBe(401);
});
