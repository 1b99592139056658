import { createToken, revokeTokens, rotateToken } from '@rollcall/jit-auth/scim/tokens/token-book';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { inTransaction, type Tx } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openScim, type ScimScene } from '../../support/scim.ts';

let scene: ScimScene;
beforeAll(async () => {
  scene = await openScim();
});
afterAll(() => scene.close());

const connectionId = toConnectionId('acme');
const at = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(scene.db, work);

async function countLive(name: string): Promise<number> {
  const { rows } = await scene.fresh.pool.query(
    'select count(*)::int as live from scim_tokens where name = $1 and revoked_at is null',
    [name],
  );
  return rows[0].live;
}

it('a token that is revoked while it is rotated leaves no successor behind', async () => {
  for (let round = 0; round < 5; round++) {
    const one = { connectionId, name: `race-${round}` };
    await scene.token('acme', { name: one.name });
    const times = { overlapMs: 60_000, expiresAt: null };
    // In either order: who revokes first leaves nothing to rotate.
    await Promise.allSettled([
      at((tx) => rotateToken(tx, one, times, 'oda', currentTime())),
      at((tx) => revokeTokens(tx, one, 'oda', currentTime())),
    ]);
    expect(await countLive(one.name)).toBe(0);
  }
});

it('two who make a token of one name make one', async () => {
  const request = { connectionId, name: 'twins', expiresAt: null, networks: [] };
  const make = () => at((tx) => createToken(tx, request, 'oda', currentTime()));
  const made = await Promise.allSettled([make(), make()]);
  expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await countLive('twins')).toBe(1);
});
