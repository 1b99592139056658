import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import {
  readBacklogs,
  readFailed,
  replayDeliveries,
  skipDelivery,
} from '@rollcall/shared/outbox/waiting';
import { type Command, InvalidArgumentError } from 'commander';
import { withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { renderTargets, targetsToJson } from '../render/targets.ts';
import { readWithin } from './page-options.ts';

const LIST_HELP = `
A change that its target did not take is tried again, later and later. After 50
attempts it is parked: it waits, with the later changes of the same user behind
it, until it is replayed or skipped.

Examples:
  $ rollcall targets list
  $ rollcall targets list --json | jq '.failed[] | select(.parked_at)'`;

const REPLAY_HELP = `
Examples:
  $ rollcall targets replay handler:crm         everything that has failed
  $ rollcall targets replay handler:crm 4711    one change`;

const SKIP_HELP = `
The target never gets the change; the later ones of the same user follow at once.

Example:
  $ rollcall targets skip handler:crm 4711`;

/** `rollcall targets …` */
export function addTargets(parent: Command, run: Run): void {
  const targets = parent
    .command('targets')
    .summary('who is told of changes: list what waits, replay, skip')
    .description('The targets that are told of changes: handlers of host apps.');
  targets
    .command('list')
    .summary('list targets, and what they did not take')
    .description('Lists the targets, how much waits for each, and what they did not take.')
    .option('--limit <number>', 'how many failed changes, 1 to 1000', readWithin(1, 1_000), 50)
    .addHelpText('after', LIST_HELP)
    .action((options: { limit: number }, command: Command) =>
      run(command, (invocation) => list(options.limit, invocation)),
    );
  targets
    .command('replay')
    .summary('try again what has failed')
    .description('Has changes that a target did not take tried again at once.')
    .argument('<target>', 'the name of the target')
    .argument('[change]', 'the id of one change (default: all that have failed)', readChange)
    .addHelpText('after', REPLAY_HELP)
    .action((target: string, change: string | undefined, _options: object, command: Command) =>
      run(command, (invocation) => replay(target, change ?? null, invocation)),
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
      run(command, (invocation) => skip(target, change, options, invocation)),
    );
}

async function list(limit: number, invocation: Invocation): Promise<ExitCode> {
  const state = await withFoundation(invocation, { engine: false }, async ({ foundation }) => ({
    targets: await readBacklogs(foundation.db),
    failed: await readFailed(foundation.db, limit),
  }));
  const { terminal, json } = invocation;
  if (json) terminal.printJson(targetsToJson(state));
  else terminal.print(renderTargets(state, currentTime(), terminal.colors));
  return EXIT.ok;
}

async function replay(
  target: string,
  change: string | null,
  invocation: Invocation,
): Promise<ExitCode> {
  const replayed = await withFoundation(invocation, { engine: false }, async ({ foundation }) => {
    await requireTarget(foundation.db, target);
    return replayDeliveries(foundation.db, { target, change });
  });
  if (change !== null && replayed === 0) throw notFailed(target, change);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ target, replayed });
  else terminal.print(`${replayed} to be tried again by ${target}.`);
  return EXIT.ok;
}

async function skip(
  target: string,
  change: string,
  { by }: { readonly by?: string },
  invocation: Invocation,
): Promise<ExitCode> {
  const actor = { kind: 'operator' as const, name: by ?? operatorName() };
  const skipped = await withFoundation(invocation, { engine: false }, async ({ foundation }) => {
    await requireTarget(foundation.db, target);
    return skipDelivery(foundation.db, { target, change }, actor, currentTime());
  });
  if (!skipped) throw notFailed(target, change);
  const { terminal, json } = invocation;
  if (json) terminal.printJson({ target, skipped: change });
  else terminal.print(`Change ${change} is dropped for ${target}.`);
  return EXIT.ok;
}

async function requireTarget(
  db: Parameters<typeof readBacklogs>[0],
  target: string,
): Promise<void> {
  const names = (await readBacklogs(db)).map(({ name }) => name);
  if (names.includes(target)) return;
  throw new AppError('target.unknown', `There is no target ${target.slice(0, 80)}.`, {
    detail: { expected: names, received: target.slice(0, 80) },
  });
}

function notFailed(target: string, change: string): AppError {
  return new AppError(
    'target.not_waiting',
    `Change ${change} does not wait for ${target} after a failure: \`rollcall targets list\` shows what does.`,
    { detail: { target, change } },
  );
}

function readChange(text: string): string {
  if (/^[0-9]{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected the id of a change, a number.');
}
