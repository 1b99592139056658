import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toDirectoryId, toSubject } from '@rollcall/shared/core/ids';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { admit, openScene, run, type Scene, SWEEP, step } from '../access/people.ts';
import { makeFolder, rollcall, rollcallJson } from './rollcall.ts';

const ESCAPE = '\u001b[2J\u202egroup';

const CONFIGURATION = `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { idle: 30d, max: 30d, keys: [env:ACME_KEY] }
connections:
  - id: acme
    idp: { metadata_url: http://127.0.0.1:9/metadata }
    subject: { attribute: uid }
    attributes: { groups: [groups] }
roles:
  - { role: analyst, when: { any_group: [analysts] } }
  - { role: editor, when: { any_group: [editors, "edit:*"] } }
  - { role: finance, when: { all_groups: [analysts, finance] } }
  - { role: guest, when: { attributes: { kind: guest } } }
`;

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

function folder(): { cwd: string; env: Record<string, string> } {
  const cwd = makeFolder();
  writeFileSync(join(cwd, 'rollcall.yaml'), CONFIGURATION);
  return { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
}

/** Seconds from the scene's start to now, so that sessions are live and times are today's. */
async function nowInScene(): Promise<number> {
  const { START } = await import('../access/people.ts');
  return Math.floor((Date.now() - START) / 1000);
}

vi.setConfig({ testTimeout: 120_000 });

describe('users list', () => {
  it('says that there is nobody, then lists people page by page', async () => {
    const place = folder();
    const empty = await rollcall(['users', 'list'], place);
    expect(empty).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('No users'),
      stderr: '',
    });

    const now = await nowInScene();
    for (const name of ['lia', 'max', 'noa']) await admit(scene, name, ['analyst'], now);
    const first = await rollcallJson(['users', 'list', '--limit', '2'], place);
    const { users, next } = first.answer as { users: { id: string }[]; next: string };
    expect(users).toHaveLength(2);
    expect(next).toBe(users[1]?.id);
    const second = await rollcallJson(['users', 'list', '--limit', '2', '--after', next], place);
    expect(second.answer).toMatchObject({ users: [{ roles: ['analyst'] }], next: null });

    const shown = await rollcall(['users', 'list', '--state', 'active'], place);
    expect(shown.stdout.split('\n')[0]).toMatch(/^USER +CONNECTION +STATE +ROLES/);
    expect(shown.stdout).toMatch(/^lia@acme\.example +acme +active +analyst/m);
    const none = await rollcall(['users', 'list', '--state', 'deactivated'], place);
    expect(none.stdout).toContain('No users');
  });
});

describe('explain', () => {
  it('tells roles with rule, group and time, rules that gave nothing, sessions and events', async () => {
    const now = await nowInScene();
    const mapped = ['analyst'];
    await admit(scene, 'ada', mapped, now, { groups: ['analysts', 'Everyone', ESCAPE] });
    const shown = await rollcall(['explain', 'ada@acme.example'], folder());
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^ada@acme\.example {2}active {2}via acme$/m);
    expect(shown.stdout).toMatch(
      /✓ {2}analyst {2}← group analysts {2}\(rollcall\.yaml:1, in an assertion/,
    );
    expect(shown.stdout).toMatch(
      /✗ {2}editor .*in none of the groups editors, edit:\* {2}\(rollcall\.yaml:12\)/,
    );
    expect(shown.stdout).toMatch(/✗ {2}finance .*not in finance {2}\(rollcall\.yaml:13\)/);
    expect(shown.stdout).toMatch(
      /✗ {2}guest .*attribute kind has none of the values wanted {2}\(rollcall\.yaml:14\)/,
    );
    expect(shown.stdout).toContain('1 live session');
    expect(shown.stdout).toContain('user.signed_in');
    // What an identity provider sends cannot steer the reader's terminal.
    expect(shown.stdout).toContain('Groups that no rule names: \\u{1b}[2J\\u{202e}group, Everyone');
    expect(shown.stdout).not.toContain('\u001b');
  });

  it('says who took the access and why, and keeps the roles in view', async () => {
    const now = await nowInScene();
    const { user } = await admit(scene, 'eve', ['analyst'], now - 60);
    await run(scene, step('deactivate', user.id), SWEEP, now);
    const shown = await rollcall(['explain', 'acme:eve'], folder());
    expect(shown.stdout).toMatch(
      /deactivated by the sweep since .*: no longer listed at the identity provider, confirmed by two look-ups/,
    );
    expect(shown.stdout).toContain('Roles, kept for the case of a return');
    expect(shown.stdout).toContain('0 live sessions');
    const { answer } = await rollcallJson(['explain', user.id], folder());
    expect(answer).toMatchObject({
      user: { state: 'deactivated', cause: 'sweep', reason: 'absent' },
      live_sessions: 0,
      grants: [{ role: 'analyst', because: [{ file: 'rollcall.yaml', line: 1 }] }],
      mapping: { kind: 'known', roles: ['analyst'] },
    });
  });

  it('lists the candidates where an e-mail belongs to several, and knows nobody else', async () => {
    const now = await nowInScene();
    const profile = { email: 'shared@acme.example', givenName: null, familyName: null };
    for (const name of ['kim-1', 'kim-2']) {
      const subject = toSubject(name);
      await admit(scene, name, ['analyst'], now, {
        profile,
        subject,
        directoryId: toDirectoryId(name),
      });
    }
    const several = await rollcall(['explain', 'shared@acme.example'], folder());
    expect(several).toMatchObject({ code: 1, stdout: '' });
    expect(several.stderr).toMatch(
      /^acme:kim-1 .*\nacme:kim-2 .*\nrollcall: 2 users have .*\(user\.ambiguous\)\n$/,
    );
    const json = await rollcallJson(['explain', 'shared@acme.example'], folder());
    expect(json).toMatchObject({
      code: 1,
      answer: {
        error: {
          code: 'user.ambiguous',
          detail: { candidates: [{ user: 'acme:kim-1' }, { user: 'acme:kim-2' }] },
        },
      },
    });
    const one = await rollcallJson(['explain', 'acme:kim-2'], folder());
    expect(one).toMatchObject({ code: 0, answer: { user: { subject: 'kim-2' } } });
    const nobody = await rollcall(['explain', 'who@acme.example'], folder());
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\(user\.unknown\)\n$/),
    });
  });
});

describe('help and mistakes', () => {
  it.each([
    [['--help'], /Exit codes:[\s\S]*Examples:/],
    [['start', '--help'], /--role <role>[\s\S]*Global Options:[\s\S]*--config/],
    [['migrate', '--help'], /Examples:/],
    [['check', '--help'], /Examples:/],
    [['users', 'list', '--help'], /--after <id>[\s\S]*Examples:/],
    [['explain', '--help'], /connection:subject[\s\S]*Examples:/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('answers %j', async (args, words) => {
    const { code, stdout, stderr } = await rollcall(args, { cwd: makeFolder() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(words);
  });

  it.each([
    [['strat'], /did you mean start/i],
    [['start', '--prot', '1'], /--port/],
    [['start', '--port', '70000'], /port from 0 to 65535/],
    [['start', '--role', 'queen'], /all, web, worker/],
    [['users', 'list', '--limit', '0'], /1 to 1000/],
    [['users', 'list', '--state', 'gone'], /deactivated/],
    [['explain'], /missing required argument/i],
  ])('says what is wrong with %j', async (args, words) => {
    const { code, stdout, stderr } = await rollcall(args, { cwd: makeFolder() });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(words);
    expect(stderr).toMatch(/^rollcall: .*\(cli\.usage\)\n$/);
  });

  it('needs a configuration, or a demo that has run', async () => {
    const missing = await rollcall(['users', 'list'], { cwd: makeFolder() });
    expect(missing).toMatchObject({ code: 1, stdout: '' });
    expect(missing.stderr).toMatch(/no rollcall\.yaml .*\(cli\.no_configuration\)\n$/);
    const json = await rollcallJson(['users', 'list'], { cwd: makeFolder() });
    expect(json).toMatchObject({ code: 1, answer: { error: { code: 'cli.no_configuration' } } });
  });
});

describe('can', () => {
  it('answers yes or no with the reason, and with the exit code', async () => {
    const now = await nowInScene();
    const place = folder();
    await admit(scene, 'cat', ['analyst'], now);
    const yes = await rollcall(['can', 'acme:cat', 'analyst'], place);
    expect(yes).toMatchObject({ code: 0, stderr: '' });
    expect(yes.stdout).toMatch(
      /^yes: analyst ← group analysts {2}\(rollcall\.yaml:1, in an assertion \d\d:\d\d:\d\d\)$/m,
    );
    const no = await rollcall(['can', 'acme:cat', 'editor'], place);
    expect(no).toMatchObject({ code: 1, stderr: '' });
    expect(no.stdout).toMatch(
      /^no: the user does not hold editor; in none of the groups editors, edit:\* {2}\(rollcall\.yaml:12\)$/m,
    );
    const never = await rollcallJson(['can', 'acme:cat', 'owner'], place);
    expect(never).toMatchObject({
      code: 1,
      answer: { user: 'acme:cat', role: 'owner', can: false, why: 'no_such_role' },
    });
    const json = await rollcallJson(['can', 'acme:cat', 'analyst'], place);
    expect(json).toMatchObject({
      code: 0,
      answer: { can: true, grants: [{ seen_in: 'assertion' }] },
    });
  });

  it('says no to whoever has no access, whatever they hold, and tells an error apart', async () => {
    const now = await nowInScene();
    const place = folder();
    const { user } = await admit(scene, 'dan', ['analyst'], now - 60);
    await run(scene, step('deactivate', user.id), SWEEP, now);
    const out = await rollcall(['can', 'acme:dan', 'analyst'], place);
    expect(out).toMatchObject({ code: 1, stderr: '' });
    expect(out.stdout).toMatch(/^no: the user is deactivated: no longer listed/);
    const unknown = await rollcall(['can', 'nobody', 'analyst'], place);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain('user.unknown');
    const { answer } = await rollcallJson(['can', 'nobody', 'analyst'], place);
    expect(answer).toMatchObject({ error: { code: 'user.unknown' } });
    expect(answer).not.toHaveProperty('can');
  });
});

describe('explain, after the rules have changed', () => {
  it('says what the next sign-in would give and take', async () => {
    const now = await nowInScene();
    const place = folder();
    await admit(scene, 'fay', ['analyst', 'viewer'], now, { groups: ['analysts', 'edit:eu'] });
    const shown = await rollcall(['explain', 'acme:fay'], place);
    expect(shown.stdout).toMatch(/✓ {2}viewer .*; the rules of today would not give it/);
    expect(shown.stdout).toMatch(/\+ {2}editor /);
    expect(shown.stdout).toContain('The next sign-in would change -viewer +editor.');
    expect(shown.stdout).toMatch(/Access, newest first\n.*user\.created/);
    const { answer } = await rollcallJson(['explain', 'acme:fay'], place);
    expect(answer).toMatchObject({
      next_sign_in: { roles: ['analyst', 'editor'], gain: ['editor'], lose: ['viewer'] },
      groups_unknown: null,
    });
  });

  it('says that the last sign-in brought no groups, or only a link to them', async () => {
    const now = await nowInScene();
    const place = folder();
    await admit(scene, 'gus', ['analyst'], now - 60);
    const because = 'groups_overflow' as const;
    const mapping = { kind: 'unknown' as const, because };
    await admit(scene, 'gus', [], now, { mapping, groups: null, groupsUnknown: because });
    const shown = await rollcall(['explain', 'acme:gus'], place);
    expect(shown.stdout).toContain(
      'The last sign-in brought a link in place of the groups, because there are too many: that is not none, and no role changed.',
    );
    const { answer } = await rollcallJson(['explain', 'acme:gus'], place);
    expect(answer).toMatchObject({ groups_unknown: because, user: { roles: ['analyst'] } });
  });
});
