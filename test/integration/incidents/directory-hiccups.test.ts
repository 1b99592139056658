import type { Directory } from '@rollcall/sweeper/directories/port';
import { afterEach, describe, expect, it } from 'vitest';
import { openScimServer } from '../../conformance/directories/scim-server.ts';
import { htmlPage, json } from '../../conformance/directories/scripted-server.ts';
import type { ScriptedHarness } from '../../conformance/directory-contract.ts';
import { type House, openHouse } from '../sweeper/house.ts';
import type { Faults } from '../sweeper/simulator.ts';
import { CROWD, expectStillSweeps, expectUntouched, openSettled } from './incident.ts';

/**
 * A directory hiccuped, and a program took its silence for an answer: whole companies
 * were locked out. Each of these happened to somebody.
 */
let house: House | undefined;
let server: ScriptedHarness | undefined;
afterEach(async () => {
  await server?.close();
  await house?.drop();
  server = undefined;
  house = undefined;
});

interface Hiccup {
  readonly incident: string;
  readonly faults: Faults;
  /** How the run ends; null where the sweep goes through and nothing follows. */
  readonly code: string | null;
}

const HICCUPS: readonly Hiccup[] = [
  {
    incident: 'zulip#13130: LDAP cannot be reached, and that is "not found" for everybody',
    faults: { failAfterPages: { pages: 0, fault: 'request_failed' }, lookUpsUnknown: true },
    code: 'directory.request_failed',
  },
  {
    incident: 'gitea#4402: the search times out, and everybody is disabled',
    faults: { failAfterPages: { pages: 1, fault: 'timed_out' }, lookUpsUnknown: true },
    code: 'directory.timed_out',
  },
  {
    incident: 'gitea#7949: an empty list deactivates everybody',
    faults: { empty: true, lookUpsBlind: true },
    code: 'listing.zero_rows',
  },
  {
    incident: 'gitea#3815: a size limit breaks the listing off after some pages',
    faults: { failAfterPages: { pages: 4, fault: 'request_failed' } },
    code: 'directory.request_failed',
  },
  {
    incident:
      'ssosync#194 and #159: an empty read deletes everybody, the next brings them back bare',
    faults: { empty: true },
    code: 'listing.zero_rows',
  },
  {
    incident: 'Atlassian KB 826895869: an account without rights sees a part, and look-ups agree',
    faults: { half: true, lookUpsBlind: true },
    code: 'listing.shrunk',
  },
  {
    incident: 'CWD-3093: the server cuts the listing at its row cap and says that this is all',
    faults: { hidden: CROWD.slice(18) },
    code: null,
  },
];

describe.each(HICCUPS)('$incident', ({ faults, code }) => {
  it('removes nobody, however often it happens, and sweeps when it is over', async () => {
    house = await openSettled();
    house.directory.faults = faults;
    for (const minute of [10, 20, 30, 40]) {
      const swept = await house.sweep(minute);
      if (code !== null) expect(swept).toMatchObject({ state: 'incomplete', code });
    }
    await expectUntouched(house);
    house.directory.faults = {};
    house.directory.dismiss('p007');
    await expectStillSweeps(house, 'p007', 60);
  });
});

it('gitlab#273368: a directory that is away for days removes nobody, nor does its first answer', async () => {
  house = await openSettled();
  house.directory.faults = {
    failAfterPages: { pages: 0, fault: 'request_failed' },
    lookUpsUnknown: true,
  };
  for (let hour = 1; hour <= 50; hour += 7) await house.sweep(hour * 60);
  await expectUntouched(house);
  // It comes back empty, as after a restore, before it is filled.
  house.directory.faults = { empty: true, lookUpsBlind: true };
  await house.sweep(51 * 60);
  await house.sweep(51 * 60 + 10);
  await expectUntouched(house);
});

it('an absence that was seen before the directory went away is too old to count after', async () => {
  house = await openSettled();
  const away = house.directory.people.get('p003');
  house.directory.dismiss('p003');
  await house.sweep(10);
  house.directory.faults = { failAfterPages: { pages: 0, fault: 'request_failed' } };
  await house.sweep(20);
  house.directory.faults = {};
  await house.sweep(30 * 60);
  expect(await house.stateOf('p003')).toBe('suspected');
  if (away !== undefined) house.directory.people.set('p003', away);
  await house.sweep(30 * 60 + 10);
  expect(await house.stateOf('p003')).toBe('active');
});

describe('idp-scim-sync#70: the answers are partial now and then', () => {
  it('groups that are not told change no role', async () => {
    house = await openSettled();
    for (const [round, minute] of [10, 20, 30, 40].entries()) {
      for (const name of CROWD) {
        house.directory.set(name, { groups: round % 2 === 0 ? null : ['analysts'] });
      }
      await house.sweep(minute);
    }
    await expectUntouched(house);
  });

  it('groups that have vanished for half of them wait for a person', async () => {
    house = await openSettled();
    for (const name of CROWD.slice(0, 10)) house.directory.set(name, { groups: [] });
    expect(await house.sweep(10)).toMatchObject({ state: 'held' });
    await expectUntouched(house);
    for (const name of CROWD) house.directory.set(name, { groups: ['analysts'] });
    expect(await house.sweep(20)).toMatchObject({ state: 'applied' });
    await expectUntouched(house);
  });
});

describe('over HTTP', () => {
  interface OverScim {
    readonly house: House;
    readonly server: ScriptedHarness;
    readonly staff: readonly string[];
    readonly over: { readonly directory: Directory };
  }

  /** Those of the scripted server who have groups and are not disabled, signed in and swept once. */
  async function openOverScim(): Promise<OverScim> {
    server = await openScimServer({ paging: 'index', groupsIn: 'groups', assignmentGroup: false });
    house = await openHouse();
    const staff: string[] = [];
    for (const { id, standing, groups } of server.expected()) {
      if (standing !== 'present' || groups === null || groups.length === 0) continue;
      await house.hire([id], [...groups]);
      staff.push(id);
    }
    const over = { directory: server.directory };
    await house.sweep(1, over);
    return { house, server, staff, over };
  }

  async function expectAllThere({ house, staff }: OverScim): Promise<void> {
    const states = await house.states();
    for (const id of staff) expect(['active', 'suspected'], id).toContain(states[id]);
  }

  it('glpi#984: a refused search is read as "deleted" for all', async () => {
    const scene = await openOverScim();
    for (const [minute, answer] of [
      [10, json(401, {})],
      [20, json(403, {})],
      [30, htmlPage(200)],
    ] as const) {
      scene.server.answerPage(1, answer);
      scene.server.answerLookUp(answer);
      expect(await scene.house.sweep(minute, scene.over)).toMatchObject({ state: 'incomplete' });
    }
    await expectAllThere(scene);
    scene.server.mend();
    scene.server.leave('id-02');
    await expectStillSweeps(scene.house, 'id-02', 60, scene.over.directory);
  });

  it('ssosync#234: a 503 for groups drops the groups, and the access with them', async () => {
    const { house, server, staff, over } = await openOverScim();
    const roles = () => Promise.all(staff.map((id) => house.rolesOf(id)));
    const before = await roles();
    server.answerPath('/scim/v2/Groups', htmlPage(503));
    expect(await house.sweep(10, over)).toMatchObject({ state: 'incomplete' });
    expect(await roles()).toEqual(before);
    server.mend();
    expect(await house.sweep(20, over)).toMatchObject({ state: 'applied' });
    expect(await roles()).toEqual(before);
  });

  it('ssosync#278: a 503 for one person deletes the person', async () => {
    const scene = await openOverScim();
    scene.server.leave('id-02');
    scene.server.answerPath('/scim/v2/Users/id-02', htmlPage(503));
    for (const minute of [10, 20]) await scene.house.sweep(minute, scene.over);
    expect(scene.server.requests.some(({ path }) => path.endsWith('/id-02'))).toBe(true);
    await expectAllThere(scene);
    scene.server.mend();
    await expectStillSweeps(scene.house, 'id-02', 60, scene.over.directory);
  });

  it('bitwarden/directory-connector#38: whoever is not on the first page is removed', async () => {
    const scene = await openOverScim();
    // Every further page is the first again; then there is no further page.
    scene.server.repeatPage(2);
    expect(await scene.house.sweep(10, scene.over)).toMatchObject({ state: 'incomplete' });
    scene.server.mend();
    for (let page = 2; page <= scene.server.pages; page++) scene.server.changeRows(page, () => []);
    for (const minute of [20, 30]) {
      expect(await scene.house.sweep(minute, scene.over)).toMatchObject({ state: 'incomplete' });
    }
    await expectAllThere(scene);
  });

  it('keycloak#24669: an empty answer about one person deletes the person', async () => {
    const scene = await openOverScim();
    scene.server.leave('id-02');
    for (const [minute, answer] of [
      [10, json(200, [])],
      [20, json(200, {})],
      [30, { status: 204, body: '' }],
      [40, json(200, { totalResults: 0, Resources: [] })],
    ] as const) {
      scene.server.answerPath('/scim/v2/Users/id-02', answer);
      await scene.house.sweep(minute, scene.over);
    }
    await expectAllThere(scene);
    scene.server.mend();
    await expectStillSweeps(scene.house, 'id-02', 60, scene.over.directory);
  });
});
