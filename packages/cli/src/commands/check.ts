import { currentTime } from '@rollcall/shared/db/timestamp';
import { loadConfiguration } from '../compose/configuration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { checkConfiguration, type Problem } from '../queries/check-configuration.ts';
import { checkToJson, renderCheck } from '../render/check.ts';
import { printable } from '../render/printable.ts';
import type { Terminal } from '../terminal.ts';

export interface CheckOptions {
  readonly againstUsers?: boolean;
  readonly from?: string;
  readonly limit: number;
}

export async function check(invocation: Invocation): Promise<ExitCode> {
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
