import {
  type ConnectionId,
  type Subject,
  toConnectionId,
  toSubject,
} from '@rollcall/shared/core/ids';
import type { Command } from 'commander';
import type { ApplyPurgeOptions, LiftOptions, PlanPurgeOptions } from '../commands/users-purge.ts';
import type { Run } from '../invocation.ts';
import { accept, readConnection } from './accept.ts';
import { addPageOptions, type PageOptions } from './page-options.ts';

const PLAN_HELP = `
Whoever has been without access for retention.deactivated is purge-eligible, and is
never purged by itself. This stores who would be, longest out first, 10,000 at most.
It changes nobody and expires within a day. Whoever gives a person with several records
their id is skipped when it is applied.

Exit codes: 0 nobody is purge-eligible, 2 a plan waits, 1 error.

Examples:
  $ rollcall users purge plan
  $ rollcall users purge plan --connection acme --json
  $ rollcall users purge plan --user acme:00u1a2b3`;

const SHOW_HELP = `
Example:
  $ rollcall users purge show 3f9a1c20b7e4 --limit 1000`;

const APPLY_HELP = `
Names, e-mail, subject, directory id, groups, attributes, roles, sessions, look-ups and
the SCIM resource go, for good: there is no undo. The audit trail stays as it was
written. Every line is checked again: whoever has had access meanwhile is skipped.
Where it breaks off, the same command goes on.

Example:
  $ rollcall users purge apply 3f9a1c20b7e4 --reason "erasure request 2026-118"`;

const LIFT_HELP = `
Whom an administrator or SCIM had shut out stays out after being purged, and who comes
back after the sweep has to sign in anew from beginning to end. This forgets that: from
then on the person is somebody new.

Example:
  $ rollcall users purge lift acme:00u1a2b3 --reason "hired again, ticket 812"`;

/** `rollcall users purge …` */
export function addUsersPurge(parent: Command, run: Run): void {
  const purge = parent
    .command('purge')
    .summary('take personal data of people away who left long ago: plan, show, apply, lift')
    .description('Takes the personal data of people away who left long ago, by a plan.');
  addPlan(purge, run);
  addPageOptions(purge.command('show').summary('show a purge plan, with what became of each line'))
    .description('Shows a purge plan, with what became of each line.')
    .argument('<plan>', 'its digest, or the first six or more digits of it')
    .addHelpText('after', SHOW_HELP)
    .action((name: string, options: PageOptions, command: Command) =>
      run(command, async (invocation) => {
        const { showPurge } = await import('../commands/users-purge.ts');
        return showPurge(name, options, invocation);
      }),
    );
  addApply(purge, run);
  addLift(purge, run);
}

function addPlan(purge: Command, run: Run): void {
  addPageOptions(purge.command('plan').summary('plan whom to purge; purges nobody'))
    .description('Stores a plan of purging whoever is purge-eligible; purges nobody.')
    .option('--connection <id>', 'only those of one connection', readConnection)
    .option('--user <user>', 'only this one')
    .option('--by <name>', 'who plans it (default: the user of this process)')
    .addHelpText('after', PLAN_HELP)
    .action((options: PlanPurgeOptions, command: Command) =>
      run(command, async (invocation) => {
        const { planPurge } = await import('../commands/users-purge.ts');
        return planPurge(options, invocation);
      }),
    );
}

function addApply(purge: Command, run: Run): void {
  purge
    .command('apply')
    .summary('purge whom a plan names')
    .description('Purges whom a plan names, line by line, for good.')
    .argument('<plan>', 'its digest, or the first six or more digits of it')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', APPLY_HELP)
    .action((name: string, options: ApplyPurgeOptions, command: Command) =>
      run(command, async (invocation) => {
        const { applyNamedPurge } = await import('../commands/users-purge.ts');
        return applyNamedPurge(name, options, invocation);
      }),
    );
}

function addLift(purge: Command, run: Run): void {
  purge
    .command('lift')
    .summary('let somebody who was purged come in as somebody new')
    .description('Lets somebody who was purged come in as somebody new.')
    .argument('<connection:subject>', 'whom the connection names', readNamed)
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', LIFT_HELP)
    .action((named: Named, options: LiftOptions, command: Command) =>
      run(command, async (invocation) => {
        const { lift } = await import('../commands/users-purge.ts');
        return lift(named, options, invocation);
      }),
    );
}

interface Named {
  readonly connectionId: ConnectionId;
  readonly subject: Subject;
}

function readNamed(text: string): Named {
  const colon = text.indexOf(':');
  return accept(
    () => ({
      connectionId: toConnectionId(text.slice(0, Math.max(colon, 0))),
      subject: toSubject(text.slice(colon + 1)),
    }),
    'connection:subject, such as acme:00u1a2b3',
  );
}
