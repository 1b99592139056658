import { findNamedUser } from '@rollcall/cli/queries/user-named';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { admit, openScene, type Scene, START } from '../access/people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

it('a partner who has two dozen people called like an id of ours keeps nobody from being named', async () => {
  const connectionId = toConnectionId('aardvark');
  await registerConnection(scene.db, connectionId, 'https://idp.aardvark.example', START);
  const { user } = await admit(scene, 'leaver', ['analyst'], 0);
  for (let n = 0; n < 24; n++) {
    const email = n < 20 ? 'acme:leaver' : user.id;
    const profile = { email, givenName: null, familyName: null };
    await admit(scene, `x${n}`, ['analyst'], n, { connectionId, profile });
  }
  for (const name of ['acme:leaver', user.id]) {
    expect(await findNamedUser(scene.db, name)).toMatchObject({
      kind: 'one',
      user: { id: user.id },
    });
  }
});
