import { expect, it } from 'vitest';
import { playRounds } from '../integration/access/last-admin-rounds.ts';
import { openScene } from '../integration/access/people.ts';

it('the last admins stay, in 1000 rounds of two to four transactions at once', async () => {
  const scene = await openScene();
  try {
    await playRounds(scene, 1_000);
    expect.assertions(1_004);
  } finally {
    await scene.drop();
  }
});
