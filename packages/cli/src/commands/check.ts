import { currentTime } from '@rollcall/shared/db/timestamp';
import { type Command, Option } from 'commander';
import { loadConfiguration } from '../compose/configuration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { checkConfiguration, type Problem } from '../queries/check-configuration.ts';
import { checkToJson, renderCheck } from '../render/check.ts';
import { printable } from '../render/printable.ts';
import type { Terminal } from '../terminal.ts';
import { checkAgainstUsers } from './check-against-users.ts';
import { readWithin } from './page-options.ts';

const HELP = `
Reads every secret that the configuration refers to, and the metadata of every
identity provider. No database is opened and no directory is asked.

With --against-users the database is opened, and read only: whose roles would the
rules of this file change at the next sign-in? Compared with what everybody holds, or,
with --from OLD, with what the rules of another file would give. Exit 2: somebody's.

Examples:
  $ rollcall check
  $ rollcall check --config new.yaml --against-users
  $ rollcall check --config new.yaml --against-users --from rollcall.yaml
  $ rollcall check --config rollcall.yaml --json | jq '.connections[].certificates'`;

interface CheckOptions {
  readonly againstUsers?: boolean;
  readonly from?: string;
  readonly limit: number;
}

/** `rollcall check` */
export function addCheck(parent: Command, run: Run): void {
  parent
    .command('check')
    .summary('check the configuration, its secrets and its certificates')
    .description(
      'Checks the configuration, its secrets, and the metadata and certificates of its identity providers.',
    )
    .option('--against-users', 'preview whose roles the rules of this file would change')
    .addOption(
      new Option('--from <file>', 'compare with the rules of another file').implies({
        againstUsers: true,
      }),
    )
    .option('--limit <number>', 'how many people to list, 1 to 10000', readWithin(1, 10_000), 50)
    .addHelpText('after', HELP)
    .action((options: CheckOptions, command: Command) =>
      run(command, (invocation) =>
        options.againstUsers === true ? checkAgainstUsers(options, invocation) : check(invocation),
      ),
    );
}

async function check(invocation: Invocation): Promise<ExitCode> {
  const { config: given, workingDirectory, env, terminal, json } = invocation;
  const { config, source } = await loadConfiguration(given, workingDirectory, env);
  const now = currentTime();
  const report = await checkConfiguration(config, env, now);
  if (json) {
    terminal.printJson(checkToJson(source.path, config, report, now));
  } else {
    terminal.print(renderCheck(source.path, config, report, now, terminal.colors));
    complain(report.problems, source.path, terminal);
  }
  return report.problems.length === 0 ? EXIT.ok : EXIT.error;
}

function complain(problems: readonly Problem[], file: string, terminal: Terminal): void {
  const { bold, dim } = terminal.complaintColors;
  for (const { path, message, code } of problems) {
    const place = bold(printable(file));
    terminal.complain(`${place}  ${path}  ${printable(message)} ${dim(`(${code})`)}`);
  }
}
