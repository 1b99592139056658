// A worker of its own, to be killed: sweeps once, with the directory that it is told of
// on its command line (DATABASE_URL PEOPLE GROUPS PAGE_DELAY_MS), and prints the summary.

import { openPool, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { createLog } from '@rollcall/shared/telemetry/log';
import { runSweep } from '@rollcall/sweeper/sweep/run-sweep';
import { names, sweepOver } from './house.ts';
import { SimulatedDirectory } from './simulator.ts';

const [url = '', people = '0', groups = '', pageDelayMs = '0'] = process.argv.slice(2);
const directory = new SimulatedDirectory();
directory.pageSize = 50;
directory.pageDelayMs = Number(pageDelayMs);
for (const name of names('p', Number(people))) directory.employ(name, groups.split(','));

const pool = openPool(url);
const summary = await runSweep(sweepOver(directory), 'schedule', {
  db: overPool(pool),
  log: createLog('silent'),
  clock: currentTime,
  leaseMs: 600,
});
process.stdout.write(JSON.stringify(summary));
await pool.end();
