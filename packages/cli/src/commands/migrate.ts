import { loadConfig } from '@rollcall/shared/config/load';
import { migrate, migrationStatus } from '@rollcall/shared/db/migrate';
import { findConfiguration } from '../compose/configuration.ts';
import { prepareDemo } from '../compose/demo/open-demo.ts';
import { loadDemoParts } from '../compose/demo/parts.ts';
import { openStateFolder } from '../compose/state-folder.ts';
import { openForCommand } from '../compose/with-foundation.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';

export async function migrateDatabase(invocation: Invocation): Promise<ExitCode> {
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
