import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Command } from 'commander';
import { loadConfiguration } from '../compose/configuration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';
import { checkConfiguration, type Problem } from '../queries/check-configuration.ts';
import { checkToJson, renderCheck } from '../render/check.ts';
import { printable } from '../render/printable.ts';
import type { Terminal } from '../terminal.ts';

const HELP = `
Reads every secret that the configuration refers to, and the metadata of every
identity provider. No database is opened and no directory is asked.

Examples:
  $ rollcall check
  $ rollcall check --config rollcall.yaml --json | jq '.connections[].certificates'`;

/** `rollcall check` */
export function addCheck(parent: Command, run: Run): void {
  parent
    .command('check')
    .summary('check the configuration, its secrets and its certificates')
    .description(
      'Checks the configuration, its secrets, and the metadata and certificates of its identity providers.',
    )
    .addHelpText('after', HELP)
    .action((_options: object, command: Command) => run(command, check));
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
