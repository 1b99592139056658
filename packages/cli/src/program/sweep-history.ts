import { DURATION_FORM, parseDuration } from '@rollcall/shared/config/duration';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HistoryOptions } from '../commands/sweep-history.ts';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Examples:
  $ rollcall sweep history
  $ rollcall sweep history --state held --since 7d
  $ rollcall sweep history acme --limit 200 --json`;

/** `rollcall sweep history` */
export function addSweepHistory(parent: Command, run: Run): void {
  parent
    .command('history')
    .summary('list the sweeps that have been')
    .description('Lists the sweeps that have been, newest first, and what came of each.')
    .argument('[connection]', 'only those of one connection')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1000), 20)
    .addOption(new Option('--state <state>', 'only those that stand or ended so').choices(STATES))
    .option('--since <duration>', 'only those of the last 15m, 8h, 7d …', readDuration)
    .addHelpText('after', HELP)
    .action((connection: string | undefined, options: HistoryOptions, command: Command) =>
      run(command, async (invocation) => {
        const { listSweeps } = await import('../commands/sweep-history.ts');
        return listSweeps(connection, options, invocation);
      }),
    );
}

const STATES = [
  'listing',
  'deciding',
  'planned',
  'held',
  'applying',
  'applied',
  'incomplete',
  'failed',
];

function readDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null) throw new InvalidArgumentError(`Expected ${DURATION_FORM}.`);
  return durationMs;
}
