import { DURATION_FORM, parseDuration } from '@rollcall/shared/config/duration';
import { type Command, InvalidArgumentError } from 'commander';
import type { LogOptions } from '../commands/scim-log.ts';
import type { Run } from '../invocation.ts';
import { readConnection } from './accept.ts';
import { readWithin } from './page-options.ts';

const HELP = `
The newest come first. Each line says what a request meant, and what it was answered;
no value that a client sent is in it. USER is what \`rollcall explain\` takes. A full
page ends with the --after of the next one. What a request changed is in the audit
trail, under the same reference.

Examples:
  $ rollcall scim log --failed --since 1h
  $ rollcall scim log --connection acme --status 409
  $ rollcall scim log --user ada@acme.example --json`;

/** `rollcall scim log` */
export function addScimLog(parent: Command, run: Run): void {
  parent
    .command('log')
    .summary('what SCIM clients asked, and what they were answered')
    .description('Lists the latest requests of SCIM clients.')
    .option('--connection <id>', 'only those of one connection', readConnection)
    .option('--since <duration>', 'only those of the last 15m, 8h, 7d …', readDuration)
    .option('--status <status>', 'only those answered so: 409, or 4xx', readStatus)
    .option('--failed', 'only those that were refused or failed')
    .option('--user <user>', 'only those about one user')
    .option('--token <name>', 'only those with a token of this name')
    .option('--limit <number>', 'how many, 1 to 1000', readWithin(1, 1_000), 50)
    .option('--after <id>', 'go on after this request', readId)
    .addHelpText('after', HELP)
    .action((options: LogOptions, command: Command) =>
      run(command, async (invocation) => {
        const { showLog } = await import('../commands/scim-log.ts');
        return showLog(options, invocation);
      }),
    );
}

function readDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null) throw new InvalidArgumentError(`Expected ${DURATION_FORM}.`);
  return durationMs;
}

/** `409` or `4xx`, from and to. */
function readStatus(text: string): readonly [number, number] {
  const [, hundreds = ''] = /^([1-5])xx$/i.exec(text) ?? [];
  if (hundreds !== '') return [Number(hundreds) * 100, Number(hundreds) * 100 + 99];
  if (/^[1-5]\d\d$/.test(text)) return [Number(text), Number(text)];
  throw new InvalidArgumentError('Expected a status such as 409, or 4xx.');
}

function readId(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected the number of a request, as `scim log` shows it.');
}
