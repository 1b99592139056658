import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { CampaignDatabase } from '../campaign/campaign-database.ts';
import { hunt } from '../campaign/hunt.ts';
import { tellFailure } from '../campaign/report.ts';
import { runSeed } from '../campaign/run.ts';
import { overServer } from '../campaign/server.ts';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';

const RUNS = 50;

let fresh: FreshDatabase;
let database: CampaignDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await CampaignDatabase.open(fresh.url);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});

it(`${RUNS} seeds of the fault campaign: whatever goes wrong, everybody ends with what is theirs`, {
  timeout: 300_000,
}, async () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const run = await runSeed(String(seed), database);
    const story = tellFailure(run, { withHistory: true, broken: null });
    expect(run.violations, story).toEqual([]);
  }
});

it('a seed is the same story every time', async () => {
  const first = await runSeed('4', database);
  const again = await runSeed('4', database);
  expect(again.history).toEqual(first.history);
  expect([...again.counts]).toEqual([...first.counts]);
  expect(first.history.length).toBeGreaterThan(10);
});

it.each(['one_look_up', 'no_audit', 'no_fence'])(
  'finds it where the product is broken on purpose: %s',
  { timeout: 300_000 },
  async (name) => {
    const server = overServer(inject('postgres').adminUrl, async () => undefined);
    try {
      expect((await hunt(server, { name }, 40)).seed).not.toBeNull();
    } finally {
      await server.close();
    }
  },
);
