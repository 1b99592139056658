import type { Command } from 'commander';
import type { Run } from '../invocation.ts';

const HELP = `
USER is the id, connection:subject, the subject, the directory id or the e-mail.
An e-mail may belong to several people: then they are listed, and nobody is explained.

Examples:
  $ rollcall explain ada@acme.example
  $ rollcall explain acme:00u1a2b3 --json`;

/** `rollcall explain USER` */
export function addExplain(parent: Command, run: Run): void {
  parent
    .command('explain')
    .summary('say why a user has, or lacks, access and roles')
    .description(
      'Says why a user has, or lacks, access and roles: the rule, the group, and when it was seen.',
    )
    .argument('<user>', 'whom to explain')
    .addHelpText('after', HELP)
    .action((text: string, _options: object, command: Command) =>
      run(command, async (invocation) => {
        const { explain } = await import('../commands/explain.ts');
        return explain(text, invocation);
      }),
    );
}
