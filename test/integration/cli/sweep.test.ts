import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type FreshDatabase, freshDatabase } from '../../setup/database.ts';
import { ADA, ALAN, GRACE, HEDY, KATHERINE } from '../../support/stack.ts';
import { Visitor } from '../../support/visitor.ts';
import { type ConfiguredFolder, configure } from '../start/configured.ts';
import { sessionOf, signIn } from '../start/sign-in.ts';
import { haveSignedIn } from '../start/web-half.ts';
import { makeFolder, rollcall, rollcallJson, start } from './rollcall.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

interface Plan {
  readonly digest: string;
  readonly people: number;
  readonly state: string;
}

/** A folder whose people have signed in once. */
async function withPeople(...people: string[]): Promise<ConfiguredFolder> {
  await database.pool.query(`truncate connections, users, sweep_runs, sweep_leases, plans cascade`);
  const folder = await configure(makeFolder(), { databaseUrl: database.url });
  if (people.length > 0) await haveSignedIn(folder, people);
  return folder;
}

/** Somebody who is missing is suspected first, and confirmed a second later. */
async function planTwice(folder: ConfiguredFolder): Promise<{ code: number | null; plan: Plan }> {
  await rollcall(['sweep', 'plan', 'acme'], folder);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  const { code, answer } = await rollcallJson(['sweep', 'plan', 'acme'], folder);
  return { code, plan: answer as Plan };
}

vi.setConfig({ testTimeout: 60_000 });

describe('sweep plan, show and apply', () => {
  it('shows what would change, changes nothing, and applies it when asked', async () => {
    const folder = await withPeople(ADA, ALAN, HEDY);
    const quiet = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(quiet.stdout).toMatch(/^Directory +8 people listed, complete \(2 pages\)\n/);
    expect(quiet.stdout).toContain('No changes');
    const explained = await rollcall(['explain', 'ada@acme.example'], folder);
    expect(explained.stdout).toMatch(/vouched for: sign-in [\d:]{8}, directory [\d:]{8}$/m);
    expect(explained.stdout).toMatch(/analyst +← group BI-Analysts .* in the directory [\d:]{8}/);

    folder.idp.directory.remove(ADA);
    folder.idp.directory.regroup(ALAN, ['BI-Analysts', 'BI-Editors']);
    const first = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(first).toMatchObject({ code: 2, stderr: '' });
    expect(first.stdout).toMatch(/^ {2}\? {2}ada@acme\.example +suspect +not listed/m);
    expect(first.stdout).toMatch(
      /^ {2}~ {2}alan@acme\.example +roles +\+editor {2}groups changed/m,
    );

    const { code, plan } = await planTwice(folder);
    expect({ code, people: plan.people }).toEqual({ code: 2, people: 1 });
    const shown = await rollcall(['sweep', 'show', plan.digest.slice(0, 6)], folder);
    expect(shown.stdout).toMatch(/^ {2}- {2}ada@acme\.example +deactivate .* 1 session ends$/m);
    expect(shown.stdout.trimEnd().split('\n').at(-2)).toMatch(
      /^Plan [0-9a-f]{12} \(pending\): 1 to deactivate, 1 to change$/,
    );
    expect(await stateOf(folder, ADA)).toBe('active');

    const applied = await rollcallJson(['sweep', 'apply', plan.digest.slice(0, 8)], folder);
    expect(applied).toMatchObject({
      code: 0,
      answer: { state: 'applied', applied: 2, skipped: 0, sessions_ended: 1 },
    });
    expect(await stateOf(folder, ADA)).toBe('deactivated');
    const twice = await rollcall(['sweep', 'apply', plan.digest], folder);
    expect(twice).toMatchObject({ code: 1, stderr: expect.stringMatching(/plan\.not_waiting/) });
    const told = await rollcall(['sweep', 'show', plan.digest], folder);
    expect(told.stdout).toMatch(/ada@acme\.example .* applied$/m);
    expect(told.stdout).toMatch(/^Approved by .* for 1 person: applied by hand$/m);

    const history = await rollcall(['sweep', 'history', 'acme'], folder);
    expect(history.stdout).toMatch(/^WHEN +CONNECTION +TRIGGER +RESULT/);
    expect(history.stdout).toMatch(/operator +applied +\d+ s +7 +1 deactivate, 1 change roles/);

    const hasty = await rollcall(['sweep', 'undo', plan.digest], folder);
    expect(hasty).toMatchObject({ code: 1, stderr: expect.stringContaining('--reason') });
    const undo = ['sweep', 'undo', plan.digest.slice(0, 8), '--reason', 'the wrong Ada'];
    const undone = await rollcall(undo, folder);
    expect(undone).toMatchObject({ code: 0, stderr: '' });
    expect(undone.stdout).toMatch(/^Plan [0-9a-f]{12}: 2 taken back\.\nSweeps of acme only plan/);
    expect(await stateOf(folder, ADA)).toBe('active');
    const afterwards = await rollcall(['sweep', 'show', plan.digest], folder);
    expect(afterwards.stdout).toMatch(/ada@acme\.example .* taken back$/m);
    expect(await rollcall(undo, folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('plan.nothing_to_undo'),
    });
  });

  it('holds what takes too much, until that very plan is approved with its number', async () => {
    const folder = await withPeople(ADA, ALAN, GRACE, HEDY, KATHERINE);
    for (const person of [ADA, ALAN, KATHERINE]) folder.idp.directory.disable(person);
    const { answer } = await rollcallJson(['sweep', 'plan', 'acme'], folder);
    const no = ['sweep', 'reject', (answer as Plan).digest.slice(0, 8), '--reason', 'not yet'];
    expect(await rollcall(no, folder)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Plan [0-9a-f]{12} \(rejected\): nothing of it can be applied/,
      ),
    });
    expect(await rollcall(no, folder)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('plan.not_waiting'),
    });
    const shown = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(shown).toMatchObject({ code: 3, stderr: '' });
    expect(shown.stdout).toMatch(/^HELD {2}expected fewer than half of \d people/m);
    expect(shown.stdout).toMatch(/^0 of 2 approvals: it takes two people$/m);
    const [, digest = ''] =
      /sweep apply ([0-9a-f]{12}) --approve 3 --reason/.exec(shown.stdout) ?? [];
    expect(digest).toHaveLength(12);

    const held = await rollcall(['sweep', 'apply', digest], folder);
    expect(held).toMatchObject({ code: 3, stdout: expect.stringContaining('HELD') });
    const heldJson = await rollcallJson(['sweep', 'apply', digest], folder);
    expect(heldJson).toMatchObject({
      code: 3,
      answer: { error: { code: 'plan.not_approved', detail: { people: 3 } } },
    });
    const half = await rollcall(['sweep', 'apply', digest, '--approve', '3'], folder);
    expect(half).toMatchObject({ code: 1, stderr: expect.stringContaining('--reason') });
    const wrong = ['sweep', 'apply', digest, '--approve', '2', '--reason', 'guessed'];
    expect(await rollcall(wrong, folder)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/from 3 people, not from 2.*plan\.people_differ/),
    });
    expect(await stateOf(folder, ADA)).toBe('active');

    const approval = ['--people', '3', '--reason', 'I have asked', '--by', 'Ida'];
    const first = await rollcall(['sweep', 'approve', digest, ...approval], folder);
    expect(first).toMatchObject({ code: 3, stderr: '' });
    expect(first.stdout).toMatch(/^1 of 2 approvals: another person is missing$/m);
    const again = ['--approve', '3', '--reason', 'once more', '--by', ' IDA '];
    expect(await rollcallJson(['sweep', 'apply', digest, ...again], folder)).toMatchObject({
      code: 3,
      answer: { error: { detail: { approval: { needed: 2, given: 1, complete: false } } } },
    });
    expect(await stateOf(folder, ADA)).toBe('active');

    const right = ['--approve', '3', '--reason', 'the office has closed', '--by', 'oda'];
    const approved = await rollcall(['sweep', 'apply', digest, ...right], folder);
    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/3 applied; 3 sessions have ended\.\n$/);
    expect(await stateOf(folder, ADA)).toBe('deactivated');
    const told = await rollcall(['sweep', 'show', digest], folder);
    expect(told.stdout).toMatch(/^Approved by Ida .* for 3 people: I have asked$/m);
    expect(told.stdout).toMatch(/^Approved by oda .* for 3 people: the office has closed$/m);
  });

  it('concludes nothing from a directory that did not answer in full', async () => {
    const folder = await withPeople(ADA);
    folder.idp.directory.setFault('error_500');
    const failed = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(failed).toMatchObject({ code: 4, stdout: '' });
    expect(failed.stderr).toMatch(/^rollcall: The directory did not answer in full.*\(directory\./);
    const json = await rollcallJson(['sweep', 'plan', 'acme'], folder);
    expect(json).toMatchObject({ code: 4, answer: { error: { detail: { state: 'incomplete' } } } });
    const { run } = (json.answer as { error: { detail: { run: string } } }).error.detail;
    const noPlan = await rollcall(['sweep', 'show', run], folder);
    expect(noPlan).toMatchObject({ code: 1, stderr: expect.stringMatching(/sweep\.no_plan/) });
    expect(await stateOf(folder, ADA)).toBe('active');
    const history = await rollcall(['sweep', 'history'], folder);
    expect(history.stdout).toMatch(/operator +incomplete/);
  });

  it('accepts the size of a listing that has really shrunk, and nothing else', async () => {
    const folder = await withPeople(ADA, ALAN);
    await rollcall(['sweep', 'plan', 'acme'], folder);
    folder.idp.directory.setFault('half');
    const shrunk = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(shrunk).toMatchObject({ code: 4, stderr: expect.stringContaining('of the last 8') });
    const approve = (rows: string, ...more: string[]) =>
      rollcall(['sweep', 'approve', 'acme', '--rows', rows, ...more], folder);
    expect(await approve('4')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--reason'),
    });
    expect(await approve('5', '--reason', 'guessed')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('listing.rows_differ'),
    });
    const right = await approve('4', '--reason', 'the office has closed', '--by', 'oda');
    expect(right).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('4 rows, is accepted'),
    });
    const next = await rollcall(['sweep', 'plan', 'acme'], folder);
    expect(next.stdout).toContain('4 people listed, complete');
    expect(await stateOf(folder, ADA)).toBe('active');
    expect(await approve('4', '--reason', 'again')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('listing.not_shrunk'),
    });
  });

  it('knows no other connections and no other plans', async () => {
    const folder = await withPeople();
    for (const [args, code] of [
      [['sweep', 'plan', 'nobody'], 'sweep.no_such_connection'],
      [['sweep', 'show', 'abcdef'], 'plan.not_found'],
      [['sweep', 'show', 'abc'], 'plan.not_found'],
      [['sweep', 'apply', '0123456789ab'], 'plan.not_found'],
    ] as const) {
      const { code: exit, stderr } = await rollcall(args, folder);
      expect({ exit, stderr }).toEqual({ exit: 1, stderr: expect.stringContaining(`(${code})`) });
    }
    const history = await rollcall(['sweep', 'history'], folder);
    expect(history.stdout).toBe('No sweeps yet.\n');
  });
});

describe('the service with a configuration', () => {
  it('runs its halves as two processes, and logs JSON lines', async () => {
    const folder = await withPeople();
    const web = await start(['--role', 'web'], folder);
    const ada = new Visitor();
    const page = await signIn(ada, web, ADA);
    expect(page.text).toContain('Signed in as <strong>ada@acme.example</strong> by acme.');
    const worker = await start(['--role', 'worker'], folder);
    expect(worker).toMatchObject({ url: null, listens: null, idp: null });
    expect((await sessionOf(ada, web)).user?.roles).toEqual(['analyst', 'editor']);
    const ended = await Promise.all([web.stop(), worker.stop()]);
    for (const { code, stdout, stderr } of ended) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines).toContainEqual(expect.objectContaining({ event: 'service.started' }));
      expect(stdout).not.toContain(folder.idp.scimToken);
    }
    expect(ended[0].stdout).not.toContain('sweeper.started');
    expect(ended[1].stdout).toContain('sweeper.started');
  });
});

async function stateOf(folder: ConfiguredFolder, subject: string): Promise<string> {
  const { answer } = await rollcallJson(['explain', `acme:${subject}`], folder);
  return (answer as { user: { state: string } }).user.state;
}
