import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Run } from './invocation.ts';
import { addCan } from './program/can.ts';
import { addCheck } from './program/check.ts';
import { addConnection } from './program/connection.ts';
import { addDoctor } from './program/doctor.ts';
import { addExplain } from './program/explain.ts';
import { addJobs } from './program/jobs.ts';
import { addMigrate } from './program/migrate.ts';
import { addNotify } from './program/notify.ts';
import { addScim } from './program/scim.ts';
import { addSessions } from './program/sessions.ts';
import { addStart } from './program/start.ts';
import { addSweep } from './program/sweep.ts';
import { addTargets } from './program/targets.ts';
import { addUsers } from './program/users.ts';
import type { Terminal } from './terminal.ts';

const EXIT_CODES = `
Exit codes:
  0  done                     3  held by the brake, or an approval is missing
  1  error                    4  the directory did not answer in full
  2  changes are pending

Examples:
  $ rollcall start                         the demo, or the service of rollcall.yaml
  $ rollcall check --config rollcall.yaml  is this configuration good?
  $ rollcall explain ada@acme.example      why does Ada have these roles?
  $ rollcall sweep plan acme               who would lose access, if the roll were called now?`;

/** The `rollcall` command with all its subcommands. Throws `CommanderError` when it parses. */
export function buildProgram(run: Run, terminal: Terminal): Command {
  const program = new Command('rollcall')
    .description(
      'Lets people in by SAML, and keeps calling the roll at the identity provider: whoever no longer answers loses access.',
    )
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('-c, --config <file>', 'the configuration (default: rollcall.yaml here, else the demo)')
    .option('--json', 'answer with JSON')
    .option('--verbose', 'tell causes and stacks of errors, and log more (also ROLLCALL_DEBUG=1)')
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      // Errors are reported in one place, in one form.
      outputError: () => undefined,
    })
    .exitOverride();
  addStart(program, run);
  addMigrate(program, run);
  addCheck(program, run);
  addDoctor(program, run);
  addConnection(program, run);
  addUsers(program, run);
  addExplain(program, run);
  addCan(program, run);
  addSessions(program, run);
  addScim(program, run);
  addSweep(program, run);
  addJobs(program, run);
  addTargets(program, run);
  addNotify(program, run);
  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const manifest = JSON.parse(text) as { version: string };
  return manifest.version;
}
