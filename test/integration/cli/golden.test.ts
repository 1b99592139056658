import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { shortDigest } from '@rollcall/cli/queries/plan-named';
import { readShownPlan } from '@rollcall/cli/queries/shown-plan';
import { planToJson, renderPlan } from '@rollcall/cli/render/plan';
import { renderPurge } from '@rollcall/cli/render/purge';
import { historyToJson, renderHistory } from '@rollcall/cli/render/sweep-history';
import {
  appliedToJson,
  rejectedToJson,
  sayApplied,
  sayRejected,
  sayUndone,
  undoneToJson,
} from '@rollcall/cli/render/sweep-outcome';
import { openTerminal } from '@rollcall/cli/terminal';
import type { RunId } from '@rollcall/shared/core/ids';
import { makePurgePlan, purgeLines } from '@rollcall/shared/purge/purge-plan';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import { approvePlan } from '@rollcall/sweeper/plan/approve-plan';
import type { LineChoice } from '@rollcall/sweeper/plan/line-choice';
import { findPlan } from '@rollcall/sweeper/plan/plan-head';
import { history } from '@rollcall/sweeper/plan/read';
import { rejectPlan } from '@rollcall/sweeper/plan/reject-plan';
import { undoPlan } from '@rollcall/sweeper/plan/undo-plan';
import { pruneAll } from '@rollcall/sweeper/retention/prune';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';
import { GOLDEN, keysOf, Transcript } from './golden.ts';

const PLAIN = openTerminal({ write: () => true }, { write: () => true }, {}).colors;
const DAY = 86_400;
const APPROVE = { mode: 'approve' } as const;
/** As `sweep plan` does. */
const PLAN_ONLY = { planOnly: true } as const;
const ALL = { limit: 500, after: 0 };

/** What a company has been through, and how a command would show it. */
function openStory(house: () => House) {
  const shown = async (run: RunId, minute: number, choice: LineChoice = {}) => {
    const page = { ...ALL, now: house().sweepTime(minute), choice };
    const { plan, ...rest } = await readShownPlan(house().db, run, page);
    // In a plan they stand in the order of their ids, which are random.
    const lines = plan.lines.toSorted((one, other) => one.label.localeCompare(other.label));
    return { ...rest, plan: { ...plan, lines } };
  };
  return {
    shown,
    plan: async (run: RunId, minute: number, choice: LineChoice = {}) =>
      renderPlan(await shown(run, minute, choice), house().sweepTime(minute), PLAIN),
    history: async (minute: number) =>
      renderHistory(await history(house().db, { limit: 20 }), house().sweepTime(minute), PLAIN),
    order: (run: RunId, minute: number, operator: string) => ({
      db: house().db,
      sweep: house().sweepOf(APPROVE),
      plan: run,
      operator,
      clock: () => house().sweepTime(minute),
    }),
  };
}

describe('what people read of a plan of all kinds of lines', () => {
  const said = new Transcript();
  let house: House;
  const story = openStory(() => house);
  beforeAll(async () => {
    house = await openHouse();
    await house.hire(names('p', 27));
    await house.hire(['ada', 'alan', 'katherine', 'hedy'], ['analysts', 'editors']);
    await house.sweep(1, APPROVE);
    house.directory.set('ada', { standing: 'disabled' });
    house.directory.set('alan', { groups: ['analysts'] });
    house.directory.dismiss('katherine');
    house.directory.set('hedy', { standing: 'disabled' });
  });
  afterAll(() => house.drop());

  it('is what has been agreed on', async () => {
    const { policy } = house.sweepOf();
    const hedy = { ...policy, protectedSubjects: new Set(['hedy']) as never };
    const { runId } = await house.sweep(2, { ...APPROVE, policy: hedy }, PLAN_ONLY);
    const digest = shortDigest((await findPlan(house.db, runId)).digest);
    said.check('sweep-plan.txt', 'sweep plan acme', await story.plan(runId, 2), 2);
    said.check(
      'sweep-show-filtered.txt',
      `sweep show ${digest} --role editor --outcome open`,
      await story.plan(runId, 2, { role: 'editor', outcome: 'open' }),
    );
    // The same decisions again wait in the plan that was shown.
    const again = await house.sweep(3, { ...APPROVE, policy: hedy }, PLAN_ONLY);
    const name = shortDigest((await findPlan(house.db, again.runId)).digest);
    expect(await story.plan(again.runId, 4)).toContain(
      `The same was waiting already, in plan ${digest}: rollcall sweep show ${digest}`,
    );
    expect(name).not.toBe(digest);
    expect(await story.history(4)).toContain('the same was waiting already, in an earlier plan');
    await expect(
      approvePlan(
        house.db,
        { digest: name, approver: 'ida', people: 2, reason: 'they left' },
        house.sweepTime(4),
      ),
    ).rejects.toMatchObject({
      code: 'plan.not_waiting',
      message: expect.stringContaining(`Plan ${digest} waits in its place`),
    });
    await refusesStale(runId);
  });

  /** Of a plan that is of the past the refusal says what to do instead. */
  async function refusesStale(stale: RunId): Promise<void> {
    const { digest } = await findPlan(house.db, stale);
    const approve = (minute: number) => {
      const approval = { digest, approver: 'ida', people: 2, reason: 'they left' };
      return approvePlan(house.db, approval, house.sweepTime(minute));
    };
    await expect(approve(DAY)).rejects.toMatchObject({
      code: 'plan.expired',
      message: 'The plan has expired: make a new one with `rollcall sweep plan acme`.',
    });
    house.directory.set('p000', { standing: 'disabled' });
    const next = await house.sweep(5, APPROVE, PLAN_ONLY);
    const newer = shortDigest((await findPlan(house.db, next.runId)).digest);
    await expect(approve(6)).rejects.toMatchObject({
      code: 'plan.not_waiting',
      message: `The plan is superseded: nothing of it waits. Plan ${newer} waits in its place: \`rollcall sweep show ${newer}\`.`,
    });
    expect(await story.plan(stale, 6)).toMatch(
      /\nA later sweep has decided anew: rollcall sweep plan acme$/,
    );
  }
});

describe('what people read of a plan that is held, approved, applied, taken back and rejected', () => {
  const said = new Transcript();
  let house: House;
  const story = openStory(() => house);
  beforeAll(async () => {
    house = await openHouse();
    await house.hire(['ada', 'alan', 'grace', 'hedy', 'katherine'], ['analysts', 'editors']);
    await house.sweep(1, APPROVE);
    for (const name of ['alan', 'hedy', 'katherine']) {
      house.directory.set(name, { standing: 'disabled' });
    }
  });
  afterAll(() => house.drop());

  it('is what has been agreed on, and programs find the keys that they know', async () => {
    const { runId } = await house.sweep(2, APPROVE);
    const plan = await findPlan(house.db, runId);
    const digest = shortDigest(plan.digest);
    said.check('sweep-plan-held.txt', 'sweep plan acme', await story.plan(runId, 2), 3);

    const approval = { digest: plan.digest, people: 3 };
    const first = { ...approval, approver: 'ida', reason: 'I have asked Lyon' };
    await approvePlan(house.db, first, house.sweepTime(3));
    said.check(
      'sweep-approve.txt',
      `sweep approve ${digest} --people 3 --reason "I have asked Lyon" --by ida`,
      await story.plan(runId, 3),
      3,
    );
    const second = { ...approval, approver: 'oda', reason: 'the Lyon office has closed' };
    await approvePlan(house.db, second, house.sweepTime(4));
    const applied = await applyPlan(story.order(runId, 4, 'oda'));
    said.check(
      'sweep-apply.txt',
      `sweep apply ${digest} --approve 3 --reason "the Lyon office has closed" --by oda`,
      sayApplied(plan, applied),
    );
    said.check('sweep-show.txt', `sweep show ${digest}`, await story.plan(runId, 5));
    const json = { plan: planToJson(await story.shown(runId, 5)) };

    const undone = await undoPlan({
      ...story.order(runId, 6, 'ida'),
      reason: 'the wrong Lyon',
      privilegedRoles: new Set(['admin']),
    });
    said.check(
      'sweep-undo.txt',
      `sweep undo ${digest} --reason "the wrong Lyon" --by ida`,
      sayUndone(plan, undone),
    );
    said.check('sweep-show-undone.txt', `sweep show ${digest}`, await story.plan(runId, 7));

    const next = await house.sweep(8, APPROVE);
    const refused = await findPlan(house.db, next.runId);
    const { released } = await rejectPlan(
      house.db,
      { plan: next.runId, operator: 'ida', reason: 'the directory lost a group' },
      () => house.sweepTime(9),
    );
    said.check(
      'sweep-reject.txt',
      `sweep reject ${shortDigest(refused.digest)} --reason "the directory lost a group" --by ida`,
      sayRejected(refused, released),
    );
    said.check('sweep-history.txt', 'sweep history', await story.history(10));

    const keys = {
      'sweep plan, show, approve': json.plan,
      'sweep apply': appliedToJson(plan, applied),
      'sweep undo': undoneToJson(plan, undone),
      'sweep reject': rejectedToJson(refused, released),
      'sweep history': historyToJson(await history(house.db, { limit: 20 })),
    };
    const lines = Object.entries(keys).map(([command, one]) =>
      [command, ...keysOf(one).map((key) => `  ${key}`)].join('\n'),
    );
    said.check('sweep-json.txt', 'sweep … --json', lines.join('\n'));
  });
});

describe('what people read of a purge', () => {
  it('is what has been agreed on', async () => {
    const said = new Transcript();
    const house = await openHouse();
    try {
      await house.hire(['eva']);
      await house.sweep(1);
      house.directory.set('eva', { standing: 'disabled' });
      await house.hire(names('p', 5));
      await house.sweep(2);
      expect(await house.stateOf('eva')).toBe('deactivated');
      const retention = {
        runsMs: 400 * DAY * 1000,
        lookUpsMs: 90 * DAY * 1000,
        snapshotsMs: 7 * DAY * 1000,
        deactivatedMs: 30 * DAY * 1000,
        scimRequestsMs: 30 * DAY * 1000,
      };
      const now = at(40 * DAY);
      await pruneAll(house.db, retention, now, new AbortController().signal);
      const plan = await makePurgePlan(house.db, { userId: await house.idOf('eva') }, 'oda', now);
      if (plan === null) throw new Error('nobody to purge');
      const lines = await purgeLines(house.db, plan.id, { limit: 500, after: 0 });
      const counts = { lines: lines.length, purged: 0, skipped: 0 };
      said.check(
        'users-purge-plan.txt',
        'users purge plan',
        renderPurge({ plan, lines, next: null, counts }, now, PLAIN),
        2,
      );
    } finally {
      await house.drop();
    }
  });
});

it('what the documentation shows is what the commands print', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
  const files = readdirSync(GOLDEN).filter((file) => file !== 'sweep-json.txt');
  expect(files.length).toBeGreaterThan(9);
  for (const file of files) {
    const text = readFileSync(join(GOLDEN, file), 'utf8');
    expect({ file, shown: page.includes(text) }).toEqual({ file, shown: true });
  }
});
