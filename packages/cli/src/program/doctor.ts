import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
Examines the secrets, the database, Redis, the queue, the clocks and the public
address, and of each connection the metadata, the certificates, the directory,
the last sweep, the last sign-in and what was refused within a day. What does not
answer is said, and the rest is examined all the same. Changes nothing.

A REFERENCE, as a refused person reads it on the page, tells why they were refused.

Ends with 0 where there is no fault; warnings are no fault.

Examples:
  $ rollcall doctor
  $ rollcall doctor acme
  $ rollcall doctor 7K2Q-9WX4TM
  $ rollcall doctor --json | jq '.findings[] | select(.verdict == "fault")'`;

/** `rollcall doctor [CONNECTION | REFERENCE]` */
export function addDoctor(parent: Command, run: Run): void {
  parent
    .command('doctor')
    .summary('say what is wrong with the service or a connection, and what to do')
    .description(
      'Says what is wrong with the service, a connection or a refused sign-in, and what to do.',
    )
    .argument('[connection-or-reference]', 'only this connection; or the reference of a refusal')
    .addHelpText('after', HELP)
    .action((named: string | undefined, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { doctor } = await import('../commands/doctor.ts');
        return doctor(named ?? null, invocation);
      }),
    );
}
