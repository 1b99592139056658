import { handOverUser } from '@rollcall/jit-auth/scim/hand-over';
import type { AccessOutcome } from '@rollcall/shared/access/change';
import { toUserId } from '@rollcall/shared/core/ids';
import { inTransaction } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';
import { signIn } from '../scim/sign-in.ts';

/** `acme` is named by the id of its directory, `globex` by subjects. */
let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim({
    more: (config) => {
      const [acme] = config.connections as Record<string, unknown>[];
      Object.assign(acme ?? {}, { directory_id: { attribute: 'oid' } });
    },
  });
});
afterAll(() => scene.close());

const roles = ['analyst'];
const setActive = (id: string, value: boolean) =>
  scene.acme.patch(`/Users/${id}`, [{ op: 'replace', path: 'active', value }]);
const idOf = (outcome: AccessOutcome) => (outcome.kind === 'applied' ? outcome.user.id : '');

async function usersNamed(directoryId: string): Promise<string[]> {
  const { rows } = await scene.fresh.pool.query('select id from users where directory_id = $1', [
    directoryId,
  ]);
  return rows.map(({ id }) => id);
}

describe('one person is one user', () => {
  it('who comes by another name than before, and is the same in the directory', async () => {
    const id = await scene.acme.user('renamed', { externalId: 'oid-renamed' });
    await signIn(scene.db, 'name-1', { directoryId: 'oid-renamed', roles });
    const again = await signIn(scene.db, 'name-2', { directoryId: 'oid-renamed', roles });
    expect(idOf(again)).toBe(id);
    await setActive(id, false);
    for (const name of ['name-1', 'name-2', 'name-3']) {
      const outcome = await signIn(scene.db, name, { directoryId: 'oid-renamed', roles });
      expect(outcome.kind).toBe('refused');
    }
    expect(await usersNamed('oid-renamed')).toEqual([id]);
  });

  it('and gets no second one by an externalId that is given later', async () => {
    const known = idOf(await signIn(scene.db, 'name-4', { directoryId: 'oid-known', roles }));
    const other = await scene.acme.user('second');
    const patch = [{ op: 'add', path: 'externalId', value: 'oid-known' }];
    expect((await scene.acme.patch(`/Users/${other}`, patch)).status).toBe(409);
    expect(await usersNamed('oid-known')).toEqual([known]);
  });

  it('nor by an externalId that is given in the moment of the first sign-in', async () => {
    for (let round = 0; round < 3; round++) {
      const oid = `oid-moment-${round}`;
      const id = await scene.acme.user(oid);
      const patch = [{ op: 'add', path: 'externalId', value: oid }];
      await Promise.all([
        scene.acme.patch(`/Users/${id}`, patch),
        signIn(scene.db, `name-${oid}`, { directoryId: oid, roles }),
      ]);
      expect(await usersNamed(oid)).toHaveLength(1);
    }
  });

  it('nor by an externalId that somebody else was given who has signed in', async () => {
    const id = await scene.acme.user('moved', { externalId: 'oid-moved-1' });
    await signIn(scene.db, 'name-moved-1', { directoryId: 'oid-moved-1', roles });
    const patch = [{ op: 'replace', path: 'externalId', value: 'oid-moved-2' }];
    await scene.acme.patch(`/Users/${id}`, patch);
    const outcome = await signIn(scene.db, 'name-moved-2', { directoryId: 'oid-moved-2', roles });
    expect(outcome).toMatchObject({ kind: 'refused', code: 'directory_id_changed' });
  });
});

it('who was handed over before the first sign-in is whom that sign-in is of', async () => {
  const id = await scene.acme.user('early', { externalId: 'oid-early' });
  const actor = { kind: 'operator' as const, name: 'oda' };
  const order = { to: 'jit' as const, because: 'test' };
  await inTransaction(scene.db, (tx) =>
    handOverUser(tx, { id: toUserId(id) }, order, actor, currentTime()),
  );
  const first = { directoryId: 'oid-early', provisioning: 'jit' as const, roles };
  expect(idOf(await signIn(scene.db, 'name-early', first))).toBe(id);
});

it('nobody is handed over of whom nothing is left', async () => {
  const id = idOf(await signIn(scene.db, 'purged', { roles }));
  await scene.fresh.pool.query(
    "update users set state = 'purge_eligible', cause = 'sweep', purged_at = now(), subject = 'purged ' || id where id = $1",
    [id],
  );
  const actor = { kind: 'operator' as const, name: 'oda' };
  const order = { to: 'scim' as const, because: 'test' };
  const handed = await inTransaction(scene.db, (tx) =>
    handOverUser(tx, { id: toUserId(id) }, order, actor, currentTime()),
  );
  expect(handed).toBe('refused');
});

it('somebody whom nobody can be does not count as one of the last admins', async () => {
  const ids: string[] = [];
  for (const n of [1, 2, 3])
    ids.push(await scene.acme.user(`oid-a${n}`, { externalId: `oid-a${n}` }));
  for (const n of [1, 2]) ids.push(await scene.acme.user(`ghost-${n}`));
  await scene.acme.group('BI-Admins', ids);
  const [first = '', second = ''] = ids;
  expect((await setActive(first, false)).status).toBe(200);
  expect((await setActive(second, false)).status).toBe(403);
});
