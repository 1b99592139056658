import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

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
    .action((_options: object, command: Command) =>
      run(command, async (invocation) => {
        const { migrateDatabase } = await import('../commands/migrate.ts');
        return migrateDatabase(invocation);
      }),
    );
}
