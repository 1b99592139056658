import { type Command, InvalidArgumentError, Option } from 'commander';
import type { StartOptions } from '../commands/start.ts';
import { ROLES } from '../compose/service-role.ts';
import type { Run } from '../invocation.ts';

const HELP = `
With a configuration this is the service: sign-in at public_url, and the worker
that calls the roll. Its log goes to standard output, one JSON object a line.

Without one it is the demo: an identity provider to try things at, a sample app,
an embedded database. Everything it keeps is in .rollcall/, and ports that are
taken are passed over.

Examples:
  $ rollcall start
  $ rollcall start --port 8080
  $ rollcall start --config /etc/rollcall.yaml --role web
  $ rollcall start --config /etc/rollcall.yaml --role worker`;

/** `rollcall start` */
export function addStart(parent: Command, run: Run): void {
  parent
    .command('start')
    .summary('run the service, or the demo where there is no configuration')
    .description(
      'Runs the service until it is stopped by Ctrl-C or SIGTERM; a second one forces it.',
    )
    .addOption(new Option('--role <role>', 'which half to run').choices([...ROLES]).default('all'))
    .option('--port <number>', 'listen on this port, whatever the configuration says', readPort)
    .addHelpText('after', HELP)
    .action((options: StartOptions, command: Command) =>
      run(command, async (invocation) => {
        const { start } = await import('../commands/start.ts');
        return start(options, invocation);
      }),
    );
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}
