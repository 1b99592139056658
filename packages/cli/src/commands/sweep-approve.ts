import { AppError } from '@rollcall/shared/core/errors';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { approveListing } from '@rollcall/sweeper/plan/approve-listing';
import { history } from '@rollcall/sweeper/plan/read';
import { connectionSweep } from '@rollcall/sweeper/sweep/connection-sweep';
import type { Command } from 'commander';
import { type Opened, withFoundation } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { operatorName } from '../operator.ts';
import { readWithin } from './page-options.ts';

const HELP = `
When many people have really left, every further listing is "shrunk" and proves
nothing, for it is compared with the last complete one. This accepts the size of
the latest listing. It takes nothing from anybody: the next sweep is compared
with that size, and its plan goes the usual way, the brake included.

To approve a plan that the brake holds: \`rollcall sweep apply --help\`.

Example:
  $ rollcall sweep approve acme --rows 412 --reason "the Lyon office has closed"`;

interface ApproveOptions {
  readonly rows: number;
  readonly reason: string;
  readonly by?: string;
}

/** `rollcall sweep approve CONNECTION` */
export function addSweepApprove(parent: Command, run: Run): void {
  parent
    .command('approve')
    .summary('accept the size of a listing that has shrunk')
    .description('Accepts the size of the latest listing of a connection, which had shrunk.')
    .argument('<connection>', 'the id of the connection')
    .requiredOption('--rows <number>', 'how many rows it had', readWithin(1, 2_000_000_000))
    .requiredOption('--reason <text>', 'why it is right; kept in the audit trail')
    .option('--by <name>', 'who accepts it (default: the user of this process)')
    .addHelpText('after', HELP)
    .action((name: string, options: ApproveOptions, command: Command) =>
      run(command, (invocation) => approve(name, options, invocation)),
    );
}

async function approve(
  name: string,
  options: ApproveOptions,
  invocation: Invocation,
): Promise<ExitCode> {
  await withFoundation(invocation, { engine: false }, (opened) =>
    acceptSize(name, options, opened, invocation),
  );
  const { terminal, json } = invocation;
  const { rows } = options;
  if (json) terminal.printJson({ connection: name, rows, accepted: true });
  else {
    terminal.print(
      `The size of the latest listing of ${name}, ${rows} rows, is accepted. The next sweep is compared with it.`,
    );
  }
  return EXIT.ok;
}

async function acceptSize(
  name: string,
  { rows, reason, by }: ApproveOptions,
  { config, foundation: { db } }: Opened,
  { env }: Invocation,
): Promise<void> {
  const { connectionId } = connectionSweep(config, name, env);
  const [latest] = await history(db, { connectionId, limit: 1 });
  if (latest === undefined) {
    throw new AppError('listing.not_shrunk', `Connection ${name} has not been swept yet.`);
  }
  const approval = { connectionId, runId: latest.runId, rows, approver: by ?? operatorName() };
  await approveListing(db, { ...approval, reason }, currentTime());
}
