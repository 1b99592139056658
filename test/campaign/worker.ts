// Runs the seeds that standard input names, one a line, and tells of each in a line of JSON.
import { text } from 'node:stream/consumers';
import { CampaignDatabase } from './campaign-database.ts';
import { runSeed } from './run.ts';

const seeds = (await text(process.stdin)).split('\n').filter((line) => line !== '');
const database = await CampaignDatabase.open(String(process.env.CAMPAIGN_DATABASE));
for (const seed of seeds) {
  const begun = process.hrtime.bigint();
  const run = await runSeed(seed, database);
  const told = run.violations.length > 0 || seeds.length === 1;
  const report = {
    ...run,
    took: Math.round(Number(process.hrtime.bigint() - begun) / 1e6),
    counts: Object.fromEntries(run.counts),
    history: told ? run.history : [],
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
await database.close();
