import { loadConfig } from '@rollcall/shared/config/load';
import { migrate, migrationStatus } from '@rollcall/shared/db/migrate';
import type { Command } from 'commander';
import { findConfiguration } from '../compose/configuration.ts';
import { prepareDemo } from '../compose/demo/open-demo.ts';
import { loadDemoParts } from '../compose/demo/parts.ts';
import { openStateFolder } from '../compose/state-folder.ts';
import { openForCommand } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation, Run } from '../invocation.ts';

const HELP = `
Any number of processes may migrate at once: one does, the others wait. \`rollcall
start\` migrates too, so this is for deployments that do it as a step of its own.

Examples:
  $ rollcall migrate
  $ DATABASE_URL=postgres://… rollcall migrate --json`;

/** `rollcall migrate` */
export function addMigrate(parent: Command, run: Run): void {
  parent
    .command('migrate')
    .summary('bring the database up to this version')
    .description('Brings the database up to this version. What has run before is not run again.')
    .addHelpText('after', HELP)
    .action((_options: object, command: Command) => run(command, migrateDatabase));
}

async function migrateDatabase(invocation: Invocation): Promise<ExitCode> {
  const config = await loadConfig(await configurationPath(invocation), invocation.env);
  const foundation = await openForCommand(config, invocation, { engine: false });
  try {
    const applied = await migrate(foundation.pool);
    const { applied: all } = await migrationStatus(foundation.pool);
    report(invocation, applied, all.length);
    return EXIT.ok;
  } finally {
    await foundation.close();
  }
}

/** The demo needs no first start to have a database: its configuration is written here. */
async function configurationPath({ config, workingDirectory }: Invocation): Promise<string> {
  const source = findConfiguration(config, workingDirectory);
  if (source.kind === 'demo' && !source.written) {
    const parts = await loadDemoParts(workingDirectory);
    await prepareDemo(parts, await openStateFolder(workingDirectory));
  }
  return source.path;
}

function report({ json, terminal }: Invocation, applied: readonly string[], total: number): void {
  if (json) {
    terminal.printJson({ applied, total });
    return;
  }
  for (const name of applied) terminal.print(`${terminal.colors.green('✓')} ${name}`);
  const count = total === 1 ? 'its one migration' : `all ${total} migrations`;
  terminal.print(
    applied.length === 0
      ? `Nothing to do: the database has had ${count}.`
      : `The database is up to date: it has had ${count}.`,
  );
}
