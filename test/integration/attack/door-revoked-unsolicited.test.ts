import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  ACME,
  admit,
  assertion,
  OPERATOR,
  openScene,
  run,
  type Scene,
  signInOf,
} from '../access/people.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.drop());

/** Somebody keeps a response that answers no request, of a provider whose clock is ahead. */
it.each([
  ['issued before, by a clock that is 50 s ahead', 55, 'refused'],
  ['issued since, whichever clock is right', 80, 'applied'],
])('an unsolicited response after a revocation: %s', async (_, issued, kind) => {
  const { user } = await admit(scene, 'ada', ['analyst'], 0);
  const head = { reason: 'by_admin', evidence: {} };
  // It was issued at 5, and its provider says 55; the sessions end at 10.
  const ends = [
    { kind: 'end_sessions_of_user' as const, userId: user.id, ...head },
    { kind: 'end_sessions_of_connection' as const, connectionId: ACME, ...head },
  ];
  for (const end of ends) {
    await run(scene, end, OPERATOR, 10);
    const kept = signInOf('ada', ['analyst'], issued, { begunAt: null, clockSkewMs: 60_000 });
    expect((await run(scene, kept, assertion(), 20)).kind).toBe(kind);
  }
});
