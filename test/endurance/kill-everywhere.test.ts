import { describe, expect, it } from 'vitest';
import { type Drill, openDrill } from '../support/crash/drill.ts';
import { WORK } from '../support/crash/scene.ts';

/** So many workers are killed at the same time, each with a database of its own. */
const AT_ONCE = 2;

/**
 * kill -9 before each statement that a worker sends; and, for each commit, after it is on
 * its way and before it is answered. (Of any other statement nothing would be left either.)
 */
describe.each(WORK)('a worker that is killed while it does %s', (work) => {
  it('leaves, at every statement, what others bring to the same end', async () => {
    const drill = await openDrill(work);
    const steps = new Map<string, number>();
    const numbers = Array.from({ length: drill.statements }, (_, index) => index + 1);
    const killNext = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
        const said = await killOnce(drill, number, 'before', steps);
        if (said === 'commit') await killOnce(drill, number, 'sent', steps);
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, killNext));
      const killed = [...steps].map(([step, kills]) => `${kills} at ${step}`).join(', ');
      process.stdout.write(`${work}: ${drill.statements} statements, killed ${killed}\n`);
      if (work === 'sweep') {
        const all = ['listing', 'looking_up', 'deciding', 'planned', 'applying'];
        expect([...steps.keys()]).toEqual(expect.arrayContaining(all));
      }
    } finally {
      await drill.close();
    }
  });
});

async function killOnce(
  drill: Drill,
  number: number,
  when: 'before' | 'sent',
  steps: Map<string, number>,
): Promise<string> {
  const { ended, step, left } = await drill.killAt(number, when);
  expect(ended.killed, `${when} ${number}`).toBe(true);
  expect(left, `killed ${when} statement ${number}: ${ended.said}`).toEqual(drill.undisturbed);
  steps.set(step ?? 'none', (steps.get(step ?? 'none') ?? 0) + 1);
  return ended.said;
}
