// A worker's telling by itself, to be killed. DATABASE_URL HOOK_URL HOOK_SECRET

import { openPool, overPool } from '@rollcall/shared/db/database';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { startTelling } from '@rollcall/shared/notify/telling';
import { createLog } from '@rollcall/shared/telemetry/log';
import { QUICK } from '../outbox/changes.ts';
import { configOf } from './scene.ts';

const [database = '', url = '', secret = ''] = process.argv.slice(2);
const hook = { type: 'webhook', url: 'env:HOOK_URL', secret: 'env:HOOK_SECRET' } as const;
const telling = await startTelling(
  {
    config: configOf({ notify: [hook], targets: [hook] }),
    env: { HOOK_URL: url, HOOK_SECRET: secret },
    db: overPool(openPool(database)),
    log: createLog('silent'),
    clock: currentTime,
  },
  // The lease of what was in hand runs out this soon.
  { ...QUICK, timeoutMs: 1_000 },
);
await telling.ready;
process.stdout.write('ready\n');
