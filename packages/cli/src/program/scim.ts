import { readName } from '@rollcall/jit-auth/scim/certificate/distinguished-name';
import { DURATION_FORM, parseDuration } from '@rollcall/shared/config/duration';
import { isNetwork } from '@rollcall/shared/http/network';
import { type Command, InvalidArgumentError } from 'commander';
import type { CreateOptions, RotateOptions } from '../commands/scim-token.ts';
import type { Run } from '../invocation.ts';
import { addScimLog } from './scim-log.ts';

const CREATE_HELP = `
The secret is shown once and stored nowhere: give it to the identity provider now.
A certificate is what a proxy says that the client has: name the proxy in
\`scim.client_certificate\` of the configuration.

Examples:
  $ rollcall scim token create acme --name okta
  $ rollcall scim token create acme --name entra --expires 180d --network 203.0.113.0/24`;

const ROTATE_HELP = `
The old secret is good for as long as --overlap says, so that nothing is refused while
the identity provider is given the new one.

Example:
  $ rollcall scim token rotate acme okta --overlap 1h`;

const REVOKE_HELP = `
The next request with it is refused, by every instance.

Example:
  $ rollcall scim token revoke acme okta`;

/** `rollcall scim …` */
export function addScim(parent: Command, run: Run): void {
  const scim = parent
    .command('scim')
    .summary('the tokens of SCIM clients, and what they asked')
    .description('What identity providers push people and groups with.');
  addScimLog(scim, run);
  const token = scim
    .command('token')
    .summary('create, list, rotate and revoke tokens')
    .description('The tokens of SCIM clients, each for one connection.');
  addCreate(token, run);
  addList(token, run);
  addRotate(token, run);
  addRevoke(token, run);
}

function addCreate(parent: Command, run: Run): void {
  parent
    .command('create')
    .summary('make a token for a connection')
    .description('Makes a token with which a client provisions one connection.')
    .argument('<connection>', 'the id of a connection with provisioning: scim or both')
    .requiredOption(
      '--name <name>',
      'what the token is called in lists, logs and the audit',
      readTokenName,
    )
    .option('--expires <duration>', 'how long it is good for, or never', readExpiry, 365 * DAY)
    .option(
      '--network <cidr>',
      'a network it may be used from; may be given again',
      collectNetworks,
      [],
    )
    .option(
      '--certificate-sha256 <hex>',
      'only with the client certificate of this SHA-256 fingerprint',
      readFingerprint,
    )
    .option(
      '--certificate-subject <name>',
      'only with a client certificate of this subject, such as "CN=okta,O=Acme"',
      readSubject,
    )
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', CREATE_HELP)
    .action((connection: string, options: CreateOptions, command: Command) =>
      run(command, async (invocation) => {
        const { create } = await import('../commands/scim-token.ts');
        return create(connection, options, invocation);
      }),
    );
}

function addList(parent: Command, run: Run): void {
  parent
    .command('list')
    .summary('list tokens: how long they are good, when they were used')
    .description('Lists tokens. No secret is shown: none is stored.')
    .argument('[connection]', 'only those of one connection')
    .option('--all', 'those that are no longer good, too')
    .action((connection: string | undefined, options: { all?: boolean }, command: Command) =>
      run(command, async (invocation) => {
        const { list } = await import('../commands/scim-token.ts');
        return list(connection, options.all === true, invocation);
      }),
    );
}

function addRotate(parent: Command, run: Run): void {
  parent
    .command('rotate')
    .summary('make a successor of a token')
    .description('Makes a successor of a token; the old secret is good for a while.')
    .argument('<connection>', 'the id of the connection')
    .argument('<name>', 'the name of the token')
    .option(
      '--overlap <duration>',
      'how long the old secret is good; 0s ends it at once',
      readDuration,
      DAY,
    )
    .option(
      '--expires <duration>',
      'how long the new one is good for, or never',
      readExpiry,
      365 * DAY,
    )
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', ROTATE_HELP)
    .action((connection: string, name: string, options: RotateOptions, command: Command) =>
      run(command, async (invocation) => {
        const { rotate } = await import('../commands/scim-token.ts');
        return rotate(connection, name, options, invocation);
      }),
    );
}

function addRevoke(parent: Command, run: Run): void {
  parent
    .command('revoke')
    .summary('end a token at once')
    .description('Ends a token, and those of its name that were rotated out, at once.')
    .argument('<connection>', 'the id of the connection')
    .argument('<name>', 'the name of the token')
    .option('--by <name>', 'who does it (default: the user of this process)')
    .addHelpText('after', REVOKE_HELP)
    .action((connection: string, name: string, options: { by?: string }, command: Command) =>
      run(command, async (invocation) => {
        const { revoke } = await import('../commands/scim-token.ts');
        return revoke(connection, name, options, invocation);
      }),
    );
}

const DAY = 86_400_000;

function readTokenName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 63 letters, digits, dots, hyphens, underscores.');
}

function readDuration(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === null) throw new InvalidArgumentError(`Expected ${DURATION_FORM}.`);
  return durationMs;
}

function readExpiry(text: string): number | 'never' {
  if (text === 'never') return text;
  const durationMs = parseDuration(text);
  if (durationMs === null || durationMs === 0) {
    throw new InvalidArgumentError(`Expected ${DURATION_FORM}, or never.`);
  }
  return durationMs;
}

function collectNetworks(text: string, before: readonly string[]): readonly string[] {
  if (isNetwork(text)) return [...before, text];
  throw new InvalidArgumentError('Expected a network such as 203.0.113.0/24, or an address.');
}

/** As `openssl x509 -noout -fingerprint -sha256` writes it, or without colons. */
function readFingerprint(text: string): string {
  const plain = text.replace(/^.*=/, '').replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(plain)) return plain;
  throw new InvalidArgumentError('Expected a SHA-256 fingerprint: 64 hexadecimal digits.');
}

function readSubject(text: string): string {
  if (text.length <= 500 && readName(text) !== null) return text;
  throw new InvalidArgumentError('Expected a distinguished name such as "CN=okta,O=Acme".');
}
