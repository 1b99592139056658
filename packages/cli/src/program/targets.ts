import { type Command, InvalidArgumentError } from 'commander';
import type { Run } from '../invocation.ts';
import { readWithin } from './page-options.ts';

const LIST_HELP = `
A change that its target did not take is tried again, later and later: a handler
50 times, in some ten hours, a webhook 22 times, in some three days. Then it is
parked: it waits, with the later changes of the same user behind it, until it is
replayed or skipped. \`notify:NAME\` is a sink of notifications; \`rollcall notify
list\` shows what it did not take.

Examples:
  $ rollcall targets list
  $ rollcall targets list --json | jq '.failed[] | select(.parked_at)'`;

const REPLAY_HELP = `
Examples:
  $ rollcall targets replay handler:crm         everything that has failed
  $ rollcall targets replay handler:crm 4711    one change
  $ rollcall targets replay notify:slack        notifications`;

const SKIP_HELP = `
The target never gets the change; the later ones of the same user follow at once.

Example:
  $ rollcall targets skip handler:crm 4711`;

/** `rollcall targets …` */
export function addTargets(parent: Command, run: Run): void {
  const targets = parent
    .command('targets')
    .summary('who is told of changes: list what waits, replay, skip')
    .description('The targets that are told of changes: handlers of host apps and webhooks.');
  targets
    .command('list')
    .summary('list targets, and what they did not take')
    .description('Lists the targets, how much waits for each, and what they did not take.')
    .option('--limit <number>', 'how many failed changes, 1 to 1000', readWithin(1, 1_000), 50)
    .addHelpText('after', LIST_HELP)
    .action((options: { limit: number }, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/targets.ts');
        return list(options.limit, invocation);
      }),
    );
  targets
    .command('replay')
    .summary('try again what has failed')
    .description('Has changes that a target did not take tried again at once.')
    .argument('<target>', 'the name of the target')
    .argument('[change]', 'the id of one change (default: all that have failed)', readChange)
    .addHelpText('after', REPLAY_HELP)
    .action((target: string, change: string | undefined, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { replay } = await import('../commands/targets.ts');
        return replay(target, change ?? null, invocation);
      }),
    );
  targets
    .command('skip')
    .summary('drop a change that is parked')
    .description('Drops a change that was parked.')
    .argument('<target>', 'the name of the target')
    .argument('<change>', 'the id of the change', readChange)
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', SKIP_HELP)
    .action((target: string, change: string, options: { by?: string }, command: Command) =>
      run(command, async (invocation) => {
        const { skip } = await import('../commands/targets.ts');
        return skip(target, change, options, invocation);
      }),
    );
}

function readChange(text: string): string {
  if (/^[0-9]{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected the id of a change, a number.');
}
