import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LineChoice } from '@rollcall/sweeper/plan/line-choice';
import { history, showPlan } from '@rollcall/sweeper/plan/read';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { at } from '../access/people.ts';
import { type House, names, openHouse } from '../sweeper/house.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

vi.setConfig({ testTimeout: 120_000 });

let house: House;
let digest = '';
beforeAll(async () => {
  house = await openHouse();
  await house.hire(names('p', 30));
  await house.hire(['ada', 'alan'], ['analysts', 'editors']);
  await house.sweep(1);
  house.directory.set('ada', { standing: 'disabled' });
  house.directory.set('alan', { groups: ['analysts'] });
  house.directory.dismiss('p007');
  await house.sweep(2, { mode: 'approve' });
  const [run] = await history(house.db, { limit: 1 });
  digest = run?.planDigest ?? '';
});
afterAll(() => house.drop());

async function chosen(choice: LineChoice): Promise<string[]> {
  const plan = await showPlan(house.db, digest, { limit: 100, now: at(180), choice });
  return plan.lines.map(({ subject, decision }) => `${decision} ${subject}`).sort();
}

describe('the lines of a plan', () => {
  it.each([
    [{}, ['change_roles alan', 'deactivate ada', 'suspect p007']],
    [{ user: 'ADA@acme' }, ['deactivate ada']],
    [{ user: '%' }, []],
    [{ decision: 'suspect' }, ['suspect p007']],
    [{ reason: 'disabled' }, ['deactivate ada']],
    [{ role: 'editor' }, ['change_roles alan', 'deactivate ada']],
    [{ role: 'editor', decision: 'deactivate' }, ['deactivate ada']],
    [{ outcome: 'applied' }, ['suspect p007']],
    [{ outcome: 'open' }, ['change_roles alan', 'deactivate ada']],
    [{ outcome: 'skipped' }, []],
  ] as const)('are those that were asked for: %j', async (choice, expected) => {
    expect(await chosen(choice)).toEqual(expected);
  });
});

it('shows them at the command line, and sweeps by state and time', async () => {
  const cwd = makeFolder();
  writeFileSync(
    join(cwd, 'rollcall.yaml'),
    `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
roles: [{ role: analyst, when: { any_group: [analysts] } }]
`,
  );
  const place = { cwd, env: { ACME_DATABASE: house.url, ACME_KEY: 'k'.repeat(40) } };
  const name = digest.slice(0, 12);
  const one = await rollcall(
    ['sweep', 'show', name, '--kind', 'deactivate', '--user', 'ada'],
    place,
  );
  expect(one.stdout).toContain(
    '  -  ada@acme.example  deactivate  disabled at the identity provider',
  );
  expect(one.stdout).not.toContain('alan');
  // The summary is of the whole plan, whatever is shown of it.
  expect(one.stdout).toContain('1 to deactivate, 1 to change, 1 to suspect');
  const none = await rollcall(['sweep', 'show', name, '--outcome', 'undone'], place);
  expect(none).toMatchObject({ code: 0 });
  expect(none.stdout).toContain('No line of this plan is of that kind.');
  const all = await rollcallJson(['sweep', 'history', '--state', 'applied'], place);
  expect((all.answer as { sweeps: object[] }).sweeps.length).toBeGreaterThan(0);
  const late = await rollcall(['sweep', 'history', '--state', 'failed', '--since', '1h'], place);
  expect(late.stdout).toBe('No such sweeps.\n');
  expect((await rollcall(['sweep', 'history', '--since', 'x'], place)).stderr).toContain('15s');
});
