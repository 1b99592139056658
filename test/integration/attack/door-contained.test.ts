import { afterEach, beforeEach, expect, it } from 'vitest';
import { admit, assertion, openScene, run, type Scene, signInOf } from '../access/people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

/** Whoever is contained needs fresh evidence, and the clock of their provider is ahead. */
it.each([
  ['begun before', 5],
  ['that came unasked', null],
])('a sign-in %s frees nobody who was contained meanwhile', async (_, begun) => {
  const { user } = await admit(scene, 'ada', ['analyst'], 0);
  const at = (seconds: number) => signInOf('ada', [], seconds).issuedAt;
  await scene.pool.query(
    "update users set state = 'contained', state_changed_at = $1 where id = $2",
    [new Date(at(10)), user.id],
  );
  const begunAt = begun === null ? null : at(begun);
  // Issued at 6, and its provider says 56.
  const change = signInOf('ada', ['analyst'], 56, { begunAt, clockSkewMs: 60_000 });
  expect(await run(scene, change, assertion(), 20)).toMatchObject({ code: 'assertion_too_old' });
});
