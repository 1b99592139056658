import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateConfig } from '@rollcall/shared/config/load';
import { createLog } from '@rollcall/shared/telemetry/log';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checksumOf } from '../../conformance/directories/roster-files.ts';
import { noteSignIn } from '../access/people.ts';
import { type House, names, openHouse } from './house.ts';

const CROWD = names('p', 40);
const HOUR = 3_600_000;

let house: House;
let folder: string;
beforeEach(async () => {
  house = await openHouse();
  folder = await mkdtemp(join(tmpdir(), 'rollcall-roster-'));
  await house.hire(CROWD);
});
afterEach(async () => {
  await house.drop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a roster as a partner should: whole, under its name, the checksum after it. */
async function send(people: readonly string[], writtenAt: number, count = people.length) {
  const rows = people.map((id) => `${id},yes,analysts`);
  const asOf = new Date(writtenAt).toISOString();
  const text = `id,active,groups\n${rows.join('\n')}\n# rows: ${count}\n# as_of: ${asOf}\n`;
  await writeFile(join(folder, 'people.new'), text);
  await rename(join(folder, 'people.new'), join(folder, 'people.csv'));
  await writeFile(join(folder, 'people.csv.sha256'), `${checksumOf(text)}  people.csv\n`);
}

/** Sweeps as the worker would, by the configuration, at the time that it is now. */
async function sweep() {
  const config = validateConfig(
    {
      version: 1,
      public_url: 'https://auth.example.com',
      session: { keys: ['env:SESSION_KEY'] },
      connections: [
        {
          id: 'acme',
          idp: { metadata_url: 'https://idp.example/metadata' },
          subject: { name_id: 'persistent' },
          directory: {
            type: 'roster',
            file: join(folder, 'people.csv'),
            columns: { id: 'id', active: 'active', groups: 'groups' },
          },
          sweep: { every: '1h', mode: 'auto' },
        },
      ],
      roles: [{ role: 'analyst', when: { any_group: ['analysts'] } }],
    },
    { baseDir: folder },
  );
  const log = createLog('error');
  const result = await runSweep(connectionSweep(config, 'acme', {}), 'schedule', {
    db: house.db,
    log,
  });
  if (result.kind === 'busy') throw new Error('busy');
  return result;
}

it('sweeps by a file: whole lists count, and nothing else does', async () => {
  const now = Date.now();
  const seconds = Math.floor((now - house.sweepTime(0)) / 1000);
  await noteSignIn(house, seconds);
  await send(CROWD, now - 3 * HOUR);
  expect(await sweep()).toMatchObject({ state: 'applied', planOnlyBecause: 'first_sweep' });

  const rest = CROWD.slice(1);
  await send(rest.slice(0, 30), now - 2 * HOUR, rest.length);
  expect(await sweep()).toMatchObject({ state: 'incomplete', code: 'listing.count_mismatch' });
  await writeFile(join(folder, 'people.csv'), 'id,active,groups\n');
  expect(await sweep()).toMatchObject({
    state: 'incomplete',
    code: 'directory.checksum_mismatch',
  });
  await send(CROWD, now - 48 * HOUR);
  expect(await sweep()).toMatchObject({ state: 'incomplete', code: 'directory.stale' });
  await send(CROWD, now - 4 * HOUR);
  expect(await sweep()).toMatchObject({ state: 'incomplete', code: 'listing.went_back' });
  expect(new Set(Object.values(await house.states()))).toEqual(new Set(['active']));

  await send(rest, now - HOUR);
  expect(await sweep()).toMatchObject({
    state: 'applied',
    counts: { 'contain absent_unconfirmable': 1 },
  });
  expect(await house.stateOf('p000')).toBe('contained');
  expect(await sweep()).toMatchObject({ counts: { 'keep waiting_for_misses': 1 } });
});
