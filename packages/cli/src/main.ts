import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-code.ts';
import { exitCodeOf, reportFailure } from './failure.ts';
import { isSet, readInvocation, type Surroundings } from './invocation.ts';
import { buildProgram } from './program.ts';
import { openTerminal } from './terminal.ts';

/**
 * Runs one command line and answers with its exit code. Never throws: what went
 * wrong has been reported by then.
 *
 * @param args the arguments after the name of the program.
 */
export async function runCommandLine(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<ExitCode> {
  const { terminal, env } = surroundings;
  let exit: ExitCode = EXIT.ok;
  const program = buildProgram(async (command, work) => {
    exit = await work(readInvocation(command, surroundings));
  }, terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && isAnswered(error)) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.error;
    }
    // The line may not have been parsed, so the switches are looked for by hand.
    const json = args.includes('--json');
    const verbose = args.includes('--verbose') || isSet(env.ROLLCALL_DEBUG);
    reportFailure(error, terminal, { json, verbose });
    return exitCodeOf(error);
  }
}

/** Help and version were asked for and have been printed. */
function isAnswered({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

async function main(): Promise<void> {
  // `rollcall … | head` ends reading early, and a terminal may be closed: nobody
  // reads on, which is no reason to break off what is under way.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
  const { env } = process;
  const terminal = openTerminal(process.stdout, process.stderr, env);
  const surroundings = { env, workingDirectory: process.cwd(), terminal };
  process.exitCode = await runCommandLine(process.argv.slice(2), surroundings);
}

/** Whether this file is the program, and not a part of another one. */
function isProgram(): boolean {
  const started = process.argv[1];
  if (started === undefined) return false;
  try {
    return realpathSync(started) === realpathSync(fileURLToPath(import.meta.url));
  } catch {
    return false;
  }
}

if (isProgram()) await main();
