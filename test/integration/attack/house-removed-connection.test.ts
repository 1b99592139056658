import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection, retireConnections } from '@rollcall/shared/db/connections';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ACME, admit, at, openScene, type Scene } from '../access/people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

const OLD = toConnectionId('old');

async function adminsByBoth(): Promise<void> {
  await registerConnection(scene.db, OLD, 'https://old.example/idp', at(0));
  for (const name of ['xia', 'yan']) await admit(scene, name, ['admin'], 1);
  await scene.pool.query('update users set connection_id = $1', [OLD]);
  await scene.pool.query('update grants set connection_id = $1', [OLD]);
  await admit(scene, 'ada', ['admin', 'analyst'], 2);
}

test('the last admin who can act stays, whoever holds the role by a connection that was removed', async () => {
  await adminsByBoth();
  await retireConnections(scene.db, [ACME], at(3));
  expect((await admit(scene, 'ada', ['analyst'], 4)).roles).toEqual(['admin', 'analyst']);
});

test('who holds it by a connection that is configured again counts again', async () => {
  await adminsByBoth();
  await retireConnections(scene.db, [ACME], at(3));
  await retireConnections(scene.db, [ACME, OLD], at(4));
  expect((await admit(scene, 'ada', ['analyst'], 5)).roles).toEqual(['analyst']);
});
