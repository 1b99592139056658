import type { Environment } from '@rollcall/shared/config/types';
import type { Command } from 'commander';
import type { ExitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** What every command is given, whatever its own arguments are. */
export interface Invocation {
  /** Answer with JSON, for programs. */
  readonly json: boolean;
  /** The value of `--config`; null where it was left out. */
  readonly config: string | null;
  readonly verbose: boolean;
  readonly env: Environment;
  readonly workingDirectory: string;
  readonly terminal: Terminal;
}

/** The work of a command. */
export type Work = (invocation: Invocation) => Promise<ExitCode>;

/** Runs the work of a command that was parsed; its errors become the failure of the program. */
export type Run = (command: Command, work: Work) => Promise<void>;

/** The process as the program sees it. */
export type Surroundings = Pick<Invocation, 'env' | 'workingDirectory' | 'terminal'>;

/** What a command line says besides the command's own arguments. */
export function readInvocation(command: Command, surroundings: Surroundings): Invocation {
  const { json, config, verbose } = command.optsWithGlobals<{
    json?: boolean;
    config?: string;
    verbose?: boolean;
  }>();
  return {
    ...surroundings,
    json: json === true,
    config: config ?? null,
    verbose: verbose === true || isSet(surroundings.env.ROLLCALL_DEBUG),
  };
}

/** Whether a switch in the environment is on. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
