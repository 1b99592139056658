import { noteDays } from '@rollcall/shared/db/connection-days';
import { addRefusals } from '@rollcall/shared/db/sign-in-refusals';
import { noDirectory } from '@rollcall/sweeper/directories/no-directory';
import { applyPlan } from '@rollcall/sweeper/plan/apply-plan';
import type { ConnectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACME, admit, noteSignIn, OPERATOR, run, step } from '../access/people.ts';
import { type House, names, openHouse, sweepOver } from '../sweeper/house.ts';

/** Sign-in breaks between the decision that somebody has not signed in, and its application. */
let house: House;
beforeEach(async () => {
  house = await openHouse();
  await house.hire(names('p', 11));
});
afterEach(() => house.drop());

const DAY = 24 * 60;

function ofRoster(): ConnectionSweep {
  const capabilities = { lookUp: false, groups: true };
  const sweep = sweepOver(Object.assign(Object.create(house.directory), { capabilities }));
  const misses = { needed: 2, apartMs: DAY * 60_000 };
  return { ...sweep, policy: { ...sweep.policy, misses } };
}

function ofSilence(): ConnectionSweep {
  const sweep = sweepOver(noDirectory());
  const silence = { deactivateDays: 90, warnDays: [], alone: true };
  return { ...sweep, policy: { ...sweep.policy, silence } };
}

async function refuseThree(minute: number): Promise<void> {
  const at = house.sweepTime(minute);
  const note = { at, reference: 'TEST-000000', expected: null, received: null };
  const day = new Date(at).toISOString().slice(0, 10);
  const seen = { day, count: 3, firstAt: at, lastAt: at, recent: [note, note, note] };
  await addRefusals(house.db, [{ connectionId: ACME, code: 'saml.signature_invalid', ...seen }]);
}

async function applyByHand(sweep: ConnectionSweep, plan: string, minute: number) {
  const clock = () => house.sweepTime(minute);
  await applyPlan({ db: house.db, sweep, plan, operator: 'oda', clock });
  const text = 'select outcome, outcome_why from plan_lines where run_id = $1';
  return (await house.pool.query(text, [plan])).rows;
}

describe('a plan that ends access because somebody has not signed in', () => {
  it('skips whom a roster lacks while sign-in may be broken, and asks again later', async () => {
    await house.sweep(1, ofRoster());
    house.directory.dismiss('p000');
    await noteSignIn(house, (DAY - 1) * 60);
    await house.sweep(DAY, ofRoster());
    await noteSignIn(house, (2 * DAY - 1) * 60);
    const waits = await house.sweep(2 * DAY, { ...ofRoster(), mode: 'approve' });
    expect(waits.counts).toMatchObject({ 'deactivate absent_repeatedly': 1 });
    await refuseThree(2 * DAY + 1);
    expect(await applyByHand(ofRoster(), waits.runId, 2 * DAY + 2)).toEqual([
      { outcome: 'skipped', outcome_why: 'sign_in_doubtful' },
    ]);
    expect(await house.stateOf('p000')).toBe('contained');
    await noteSignIn(house, (2 * DAY + 3) * 60);
    await house.sweep(2 * DAY + 4, ofRoster());
    expect(await house.stateOf('p000')).toBe('deactivated');
  });

  it('skips the silent on the day on which sign-in breaks, and not for longer', async () => {
    const days = Array.from({ length: 100 }, (_, day) => day * DAY + 1);
    const note = { connectionId: ACME, accepted: false, refused: 0 };
    await noteDays(
      house.db,
      days.map((minute) => ({ ...note, at: house.sweepTime(minute) })),
    );
    await house.sweep(DAY, ofSilence());
    const [, ...others] = names('p', 11);
    for (const name of others) await admit(house, name, ['analyst'], 60 * DAY * 60);
    await noteSignIn(house, 60 * DAY * 60);
    const waits = await house.sweep(92 * DAY, { ...ofSilence(), mode: 'approve' });
    expect(waits.counts).toMatchObject({ 'deactivate silent': 1 });
    await refuseThree(92 * DAY + 1);
    expect(await applyByHand(ofSilence(), waits.runId, 92 * DAY + 2)).toEqual([
      { outcome: 'skipped', outcome_why: 'sign_in_doubtful' },
    ]);
    const same = await house.sweep(92 * DAY + 15, ofSilence());
    expect(same.counts).toMatchObject({ 'keep sign_in_doubtful': 1 });
    // A partner whose people have all gone has no sign-ins at all: a day later it counts again.
    await house.sweep(93 * DAY + 2, ofSilence());
    expect(await house.stateOf('p000')).toBe('deactivated');
    // An administrator who gives access back is not contradicted by the next sweep.
    for (const kind of ['deactivate', 'restore'] as const) {
      const byHand = step(kind, await house.idOf('p000'), { reason: 'by_admin' });
      await run(house, byHand, OPERATOR, 93 * DAY * 60 + 300);
    }
    await house.sweep(93 * DAY + 15, ofSilence());
    expect(await house.stateOf('p000')).toBe('active');
  });
});
