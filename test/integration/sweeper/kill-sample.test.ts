import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Drill, openDrill } from '../../support/crash/drill.ts';

// A sample: `npm run test:endurance` kills at every statement of a sweep, an apply and an undo.

let drill: Drill;
beforeAll(async () => {
  drill = await openDrill('sweep');
});
afterAll(() => drill.close());

it.each([
  ['in the middle', 0.5, 'before'],
  ['near its end, while a commit is on its way', 0.85, 'sent'],
] as const)(
  'a worker killed %s leaves what the next ones bring to the same end',
  async (_, part, when) => {
    const number = Math.round(drill.statements * part);
    const { ended, left } = await drill.killAt(number, when);
    expect(ended.killed).toBe(true);
    expect(left).toEqual(drill.undisturbed);
  },
);
