// A relay of its own, to be killed: appends what its handler is told to a file, a line each.
// DATABASE_URL FILE HANDLER_MS

import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool, overPool } from '@rollcall/shared/db/database';
import { startRelay } from '@rollcall/shared/outbox/relay';
import { createLog } from '@rollcall/shared/telemetry/log';
import { QUICK } from './changes.ts';

const [url = '', file = '', ms = '0'] = process.argv.slice(2);
const pool = openPool(url);
const relay = startRelay(
  overPool(pool),
  {
    name: 'crm',
    deliver: async (change) => {
      appendFileSync(file, `${JSON.stringify(change)}\n`);
      // Between what was done and the mark: here it is killed.
      await sleep(Number(ms));
    },
  },
  createLog('silent'),
  QUICK,
);
await relay.ready;
process.stdout.write('ready\n');
