// A worker process, as `rollcall start --role worker` is one: a configuration as JSON on its
// command line, secrets in its environment. Prints its log; SIGTERM stops it.

import { createLog } from '@rollcall/shared/telemetry/log';
import { sweeper } from '@rollcall/sweeper';

const config = JSON.parse(process.argv[2] ?? '{}');
const worker = await sweeper(config, { log: createLog('info') });
process.once('SIGTERM', () => {
  void worker.stop().then(() => process.exit(0));
});
await worker.start();
