import { EVENT_NAMES, type NotificationEvent } from '@rollcall/shared/notify/events';
import { type Command, Option } from 'commander';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const LIST_HELP = `
What a sink did not take is tried again for some three days, and then parked:
\`rollcall targets replay notify:NAME\` has it tried again at once.

Examples:
  $ rollcall notify list
  $ rollcall notify list --event sweep.held --connection acme
  $ rollcall notify list --json | jq '.[] | select(.deliveries[].state == "parked")'`;

const TEST_HELP = `
Each sink gets one message that is marked as a test, whatever events it asked for.
Nothing is written down. Exit 1 where a sink did not take it.

Examples:
  $ rollcall notify test
  $ rollcall notify test --event certificate.expiring`;

/** `rollcall notify …` */
export function addNotify(parent: Command, run: Run): void {
  const notify = parent
    .command('notify')
    .summary('what operators are told: list it, and test the sinks')
    .description('Notifications of what needs a person, and the sinks that are told.');
  notify
    .command('list')
    .summary('the latest notifications, and who was told')
    .description('Lists the latest notifications, the newest first, and what became of each.')
    .addOption(eventOption('only of this event'))
    .option('--connection <id>', 'only of this connection')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1_000), 20)
    .addHelpText('after', LIST_HELP)
    .action((options: ListOptions, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/notify.ts');
        return list(options, invocation);
      }),
    );
  notify
    .command('test')
    .summary('send a test to each sink')
    .description('Sends a test to each sink of the configuration, and says how each took it.')
    .addOption(eventOption('of which event').default('sweep.held'))
    .addHelpText('after', TEST_HELP)
    .action((options: { event: NotificationEvent }, command: Command) =>
      run(command, async (invocation) => {
        const { test } = await import('../commands/notify.ts');
        return test(options.event, invocation);
      }),
    );
}

/** What `notify list` was asked for. */
export interface ListOptions {
  readonly event?: NotificationEvent;
  readonly connection?: string;
  readonly limit: number;
}

function eventOption(what: string): Option {
  return new Option('--event <event>', what).choices([...EVENT_NAMES]);
}
