import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ADA, ALAN } from '../../support/stack.ts';
import { askIdp, Visitor } from '../../support/visitor.ts';
import { makeFolder, rollcall, rollcallJson, start } from '../cli/rollcall.ts';
import { pressAtIdp, type SessionAnswer, sessionOf, signIn } from './sign-in.ts';

/** The demo calls the roll every 15 s and confirms an absence after 5 s. */
const PATIENCE_MS = 60_000;

async function untilSignedOut(look: () => Promise<SessionAnswer>): Promise<SessionAnswer> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await look();
    if (answer.status !== 200 || Date.now() > deadline) return answer;
    await sleep(250);
  }
}

describe('the story of the demo', () => {
  it('lets Ada in, notices that she has left, and says why', async () => {
    const cwd = makeFolder();
    const demo = await start([], { cwd });
    const [ada, alan] = [new Visitor(), new Visitor()];
    expect((await signIn(ada, demo, ADA, '/reports')).url).toBe(`${demo.url}/reports`);
    await signIn(alan, demo, ALAN);

    await pressAtIdp(demo, `/people/${ADA}/remove`);
    const ended = await untilSignedOut(() => sessionOf(ada, demo));
    expect(ended).toMatchObject({ status: 401, code: expect.any(String) });
    expect((await sessionOf(alan, demo)).user?.roles).toEqual(['analyst']);

    // Out means out, at the identity provider and here.
    expect((await signIn(ada, demo, ADA)).status).toBe(400);
    const { action, fields } = await askIdp(ada, `${demo.url}/login?return_to=%2F`, ADA, true);
    expect((await ada.post(action, fields)).status).toBe(403);
    expect((await sessionOf(ada, demo)).status).toBe(401);
    const explained = await rollcall(['explain', 'ada@acme.example'], { cwd });
    expect(explained.stdout).toMatch(/deactivated by the sweep since .*confirmed by two look-ups/);
    const history = await rollcallJson(['sweep', 'history', 'demo'], { cwd });
    const { sweeps } = history.answer as { sweeps: { counts: Record<string, number> }[] };
    expect(sweeps.some(({ counts }) => counts['deactivate absent'] === 1)).toBe(true);

    // Back in the directory, she may sign in again, with the roles that she had.
    await pressAtIdp(demo, `/people/${ADA}/restore`);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const again = await signIn(ada, demo, ADA);
      if (again.status === 200 || Date.now() > deadline) break;
      await sleep(1000);
    }
    expect(await sessionOf(ada, demo)).toMatchObject({
      status: 200,
      user: { subject: ADA, roles: ['analyst', 'editor', 'finance'] },
    });
    expect((await demo.stop('SIGINT')).code).toBe(0);
  }, 180_000);
});
