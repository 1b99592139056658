import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommandLine } from '@rollcall/cli/main';
import { openTerminal } from '@rollcall/cli/terminal';
import { toConnectionId, toSubject } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  admit,
  assertion,
  OPERATOR,
  openScene,
  run,
  type Scene,
  START,
  signInOf,
  step,
} from '../access/people.ts';
import { makeFolder } from '../cli/rollcall.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What an identity provider says, and what a terminal obeys: erases the screen, writes a title, turns text round. */
const EVIL = '\u001b[2J\u001b]0;owned\u0007\u202emoc\r\n=cmd|x\u009b31m';
/** Controls other than the end of a line, and what turns the direction of its neighbours. */
const OBEYED = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  await registerConnection(scene.db, toConnectionId('globex'), 'https://idp.globex.example', START);
});
afterAll(() => scene.drop());

const now = () => Math.floor((Date.now() - START) / 1000);

it('nothing that an identity provider says reaches a terminal as it is', async () => {
  const cwd = makeFolder();
  const text = (extra: string) => `version: 1
public_url: http://127.0.0.1:3999
database: { url: env:ACME_DATABASE }
session: { idle: 30d, max: 30d, keys: [env:ACME_KEY] }
connections:
  - { id: acme, idp: { metadata_url: http://127.0.0.1:9/metadata }, subject: { attribute: uid } }
roles:
  - { role: analyst, when: { any_group: [{ re2: "." }], attributes: { title: [{ re2: "." }] } } }
  - { role: editor, when: { any_group: [nobody] } }
${extra}`;
  writeFileSync(join(cwd, 'rollcall.yaml'), text(''));
  writeFileSync(
    join(cwd, 'other.yaml'),
    text('default_role: editor\n').replace('re2: "."', 're2: "zzz"'),
  );
  const place = { cwd, env: { ACME_DATABASE: scene.url, ACME_KEY: 'k'.repeat(40) } };
  const profile = { email: EVIL, givenName: EVIL, familyName: EVIL };
  const more = {
    profile,
    groups: [EVIL],
    attributes: new Map([
      ['title', [EVIL]],
      [EVIL, [EVIL]],
    ]),
    subject: toSubject('x'),
  };
  const mapping = {
    kind: 'known' as const,
    roles: ['analyst'],
    missed: [],
    unmatched: [],
    byDefault: false,
    because: [
      {
        role: 'analyst',
        rule: { file: 'rollcall.yaml', line: 1 },
        groups: [EVIL],
        aliases: [{ group: EVIL, alias: EVIL }],
        attributes: ['title'],
        values: [{ attribute: 'title', values: [EVIL] }],
      },
    ],
  };
  const { user } = await admit(scene, 'x', ['analyst'], now() - 60, {
    ...more,
    mapping,
    reference: EVIL,
  });
  const other = await admit(scene, 'y', ['analyst'], now() - 60, {
    ...more,
    subject: toSubject('y'),
  });
  await run(
    scene,
    {
      kind: 'sign_in_refused',
      connectionId: toConnectionId('acme'),
      subject: toSubject('x'),
      code: EVIL,
      evidence: { received: EVIL },
      reference: EVIL,
    },
    assertion(),
    now(),
  );
  await run(
    scene,
    { kind: 'join', userId: other.user.id, withUserId: user.id, evidence: { because: EVIL } },
    { ...OPERATOR, name: EVIL } as never,
    now(),
  );
  await admit(scene, 'x', ['analyst'], now() - 30, { ...more, mapping });
  await run(
    scene,
    signInOf('x', [], now() - 20, { ...more, mapping: { ...mapping, roles: [], because: [] } }),
    assertion(),
    now() - 20,
  );
  await admit(scene, 'x', ['analyst'], now() - 10, { ...more, mapping });
  await scene.pool.query('insert into outbox_targets values ($1, now(), now())', [
    `handler:${EVIL}`,
  ]);
  await run(
    scene,
    step('deactivate', other.user.id, { reason: EVIL }),
    { ...OPERATOR, name: EVIL } as never,
    now(),
  );
  await scene.pool.query(
    'update outbox_deliveries set failed_at = now(), parked_at = now(), error = $1',
    [EVIL],
  );
  const commands = [
    ['users', 'list'],
    ['users', 'show', user.id],
    ['users', 'show', EVIL],
    ['explain', user.id],
    ['explain', other.user.id],
    ['can', user.id, 'analyst'],
    ['can', user.id, 'editor'],
    ['can', other.user.id, EVIL],
    ['sessions', 'list'],
    ['targets', 'list'],
    ['targets', 'replay', EVIL],
    ['connection', 'list'],
    ['connection', 'show', 'acme'],
    ['check', '--against-users'],
    ['users', 'protect', user.id, '--reason', EVIL, '--by', EVIL],
    ['users', 'separate', user.id, '--reason', EVIL],
    ['users', 'reactivate', other.user.id, '--reason', EVIL],
    ['users', 'deactivate', user.id, '--reason', EVIL, '--by', EVIL],
    ['explain', user.id],
  ];
  const bad: string[] = [];
  let shown = 0;
  for (const command of commands) {
    const file = command[0] === 'check' ? 'other.yaml' : 'rollcall.yaml';
    for (const json of [[], ['--json']]) {
      const said: string[] = [];
      const write = { write: (text: string) => said.push(text) };
      const terminal = openTerminal(write, write, {});
      const where = { env: place.env, workingDirectory: cwd, terminal };
      await runCommandLine([...command, ...json, '--config', join(cwd, file)], where);
      expect(said.join('')).not.toContain('config.');
      if (said.join('').includes('owned')) shown += 1;
      if (OBEYED.test(said.join(''))) bad.push([...command, ...json].join(' '));
    }
  }
  expect(shown).toBeGreaterThan(20);
  expect(bad).toEqual([]);
});
