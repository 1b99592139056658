import { toConnectionId } from '@rollcall/shared/core/ids';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { history } from '@rollcall/sweeper/plan/read';
import type { Command } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { historyToJson, renderHistory } from '../render/sweep-history.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Examples:
  $ rollcall sweep history
  $ rollcall sweep history acme --limit 200 --json`;

/** `rollcall sweep history` */
export function addSweepHistory(parent: Command, run: Run): void {
  parent
    .command('history')
    .summary('list the sweeps that have been')
    .description('Lists the sweeps that have been, newest first, and what came of each.')
    .argument('[connection]', 'only those of one connection')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 20)
    .addHelpText('after', HELP)
    .action((connection: string | undefined, { limit }: { limit: number }, command: Command) =>
      run(command, (invocation) => listSweeps(connection, limit, invocation)),
    );
}

async function listSweeps(
  connection: string | undefined,
  limit: number,
  invocation: Invocation,
): Promise<ExitCode> {
  const filter = connection === undefined ? {} : { connectionId: toConnectionId(connection) };
  const records = await withFoundation(invocation, { engine: false }, ({ foundation }) =>
    history(foundation.db, { ...filter, limit }),
  );
  const { terminal, json } = invocation;
  if (json) terminal.printJson(historyToJson(records));
  else terminal.print(renderHistory(records, currentTime(), terminal.colors));
  return EXIT.ok;
}
