import { toConnectionId } from '@rollcall/shared/core/ids';
import { mapRoles, type RoleRule } from '@rollcall/shared/core/roles';
import { KEPT_GROUPS } from '@rollcall/shared/core/user';
import { registerConnection } from '@rollcall/shared/db/connections';
import { grantsOf } from '@rollcall/shared/db/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACME, admit, at, known, openScene, type Scene, START } from './people.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.drop());

let count = 0;
const name = () => `prov-${++count}`;

const RULES: readonly RoleRule[] = [
  {
    role: 'analyst',
    privileged: false,
    when: { anyGroup: ['Analysts', 'g*'], allGroups: [], attributes: { title: ['a*'] } },
    from: null,
    source: { file: 'rollcall.yaml', line: 7 },
  },
];

function mapped(groups: readonly string[]) {
  const mapping = mapRoles(
    {
      connection: 'acme',
      groups,
      aliases: new Map([['id-1', 'Analysts']]),
      attributes: new Map([['title', ['analyst', 'x']]]),
    },
    RULES,
    'viewer',
  );
  if (mapping.kind !== 'known') throw new Error('expected known groups');
  return { mapping, groups };
}

describe('a grant', () => {
  it('keeps the rule, the group, its alias and the values that matched', async () => {
    const { user } = await admit(scene, name(), [], 0, mapped(['id-1', 'other']));
    expect(await grantsOf(scene.db, user.id)).toMatchObject([
      {
        role: 'analyst',
        connectionId: ACME,
        channel: 'roll',
        seenIn: 'assertion',
        because: [
          {
            file: 'rollcall.yaml',
            line: 7,
            groups: ['id-1'],
            aliases: [{ group: 'id-1', alias: 'Analysts' }],
            attributes: ['title'],
            values: [{ attribute: 'title', values: ['analyst'] }],
          },
        ],
      },
    ]);
  });

  it('without a rule is the default role', async () => {
    const { user } = await admit(scene, name(), [], 0, mapped(['other']));
    expect(await grantsOf(scene.db, user.id)).toMatchObject([{ role: 'viewer', because: [] }]);
  });

  it('keeps the first of many groups, and how many more there were', async () => {
    const groups = Array.from({ length: 10_000 }, (_, i) => `g${i}`);
    const { user } = await admit(scene, name(), [], 0, mapped(groups));
    const [grant] = await grantsOf(scene.db, user.id);
    expect(grant?.because[0]?.groups).toHaveLength(KEPT_GROUPS);
    expect(grant?.because[0]?.more).toBe(10_000 - KEPT_GROUPS);
  });

  it('is seen again at each sign-in, and first seen once', async () => {
    const { user } = await admit(scene, name(), [], 0, mapped(['id-1']));
    await admit(scene, user.subject, [], 60, mapped(['g1']));
    expect(await grantsOf(scene.db, user.id)).toMatchObject([
      { firstSeenAt: at(0), lastSeenAt: at(60), because: [{ groups: ['g1'] }] },
    ]);
  });

  it.each(['authoritative', 'additive', 'first_login'] as const)(
    'of another connection stays, and the role with it: %s',
    async (mode) => {
      const globex = toConnectionId('globex');
      await registerConnection(scene.db, globex, 'https://globex.example', START);
      const { user } = await admit(scene, name(), ['analyst', 'editor'], 0, { mode });
      await scene.pool.query(
        `insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because, first_seen_at, last_seen_at)
         select user_id, role, $2, channel, seen_in, privileged, because, first_seen_at, last_seen_at
         from grants where user_id = $1 and role = 'analyst'`,
        [user.id, globex],
      );
      const again = await admit(scene, user.subject, [], 60, {
        mode,
        mapping: known('editor'),
        groups: ['editors'],
      });
      expect(again.roles).toEqual(['analyst', 'editor']);
      const left = (await grantsOf(scene.db, user.id)).filter(({ role }) => role === 'analyst');
      expect(left.map(({ connectionId }) => connectionId)).toEqual(
        mode === 'authoritative' ? [globex] : [ACME, globex],
      );
    },
  );
});

describe('groups that are not known', () => {
  it.each(['groups_missing', 'groups_overflow'] as const)(
    'are told in the audit trail, and change no grant: %s',
    async (because) => {
      const { user } = await admit(scene, name(), ['analyst'], 0);
      const before = await grantsOf(scene.db, user.id);
      const mapping = { kind: 'unknown' as const, because };
      const more = { mapping, groups: null, groupsUnknown: because };
      expect((await admit(scene, user.subject, [], 60, more)).roles).toEqual(['analyst']);
      expect(await grantsOf(scene.db, user.id)).toEqual(before);
      const { rows } = await scene.pool.query(
        `select evidence from audit_events where user_id = $1 and kind = 'user.signed_in' order by id`,
        [user.id],
      );
      expect(rows[0].evidence).not.toHaveProperty('groups');
      expect(rows[1].evidence).toMatchObject({ groups: because });
    },
  );
});

it('an authoritative mapping applied twice changes nothing the second time', async () => {
  const given = mapped(['id-1', 'g2']);
  const { user } = await admit(scene, name(), [], 0, given);
  const before = await grantsOf(scene.db, user.id);
  await admit(scene, user.subject, [], 60, given);
  const after = await grantsOf(scene.db, user.id);
  expect(after).toEqual(before.map((grant) => ({ ...grant, lastSeenAt: at(60) })));
  const { rows } = await scene.pool.query(
    `select kind from audit_events where user_id = $1 and kind = 'roles.changed'`,
    [user.id],
  );
  expect(rows).toEqual([]);
});
