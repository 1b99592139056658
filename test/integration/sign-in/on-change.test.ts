import type { Change } from '@rollcall/jit-auth';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ADA, type Stack, startStack } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';
import { until } from '../outbox/changes.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

it('tells one instance of a sign-in, under the id that the app knows', async () => {
  const second = await stack.another();
  const heard: Change[] = [];
  const others: Change[] = [];
  const subscriptions = [
    stack.web.auth.onChange((change) => void heard.push(change)),
    second.auth.onChange((change) => void heard.push(change)),
    second.auth.onChange((change) => void others.push(change), { name: 'mail' }),
  ];
  for (const { ready } of subscriptions) await ready;

  const visitor = new Visitor();
  const { action, fields } = await askIdp(visitor, `${stack.web.url}/saml/demo/login`, ADA);
  await visitor.post(action, fields);
  const committed = performance.now();
  await until('both handlers', () => heard.length + others.length === 2);
  expect(performance.now() - committed).toBeLessThan(1_500);

  const session = JSON.parse((await visitor.json(`${stack.web.url}/session`)).text);
  const told = {
    kind: 'user.created',
    user: { id: session.user.id, connection: 'demo', subject: ADA },
    roles: ['analyst', 'editor', 'finance'],
    profile: { email: 'ada@acme.example' },
  };
  expect(heard).toMatchObject([told]);
  expect(others).toMatchObject([told]);
  expect(others[0]?.id).toBe(heard[0]?.id);

  await subscriptions[0]?.stop();
  await visitor.post(`${stack.web.url}/logout`, {});
  await until('the end of the session', () => heard.length === 2);
  expect(heard[1]).toMatchObject({ kind: 'session.revoked', reason: 'signed_out' });
});

it('wants a name for each handler', () => {
  const { auth } = stack.web;
  auth.onChange(() => undefined, { name: 'twice' });
  expect(() => auth.onChange(() => undefined, { name: 'twice' })).toThrow(
    expect.objectContaining({ code: 'hook.name_taken' }),
  );
  expect(() => auth.onChange(() => undefined, { name: 'Not This' })).toThrow(
    expect.objectContaining({ code: 'hook.bad_name' }),
  );
});
