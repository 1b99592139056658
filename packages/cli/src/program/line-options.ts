import type { LineChoice } from '@rollcall/sweeper/plan/line-choice';
import { type Command, Option } from 'commander';
import { addPageOptions, type PageOptions } from './page-options.ts';

/** Which lines of a plan are wanted. */
export interface LineOptions extends PageOptions {
  readonly user?: string;
  readonly reason?: string;
  readonly kind?: keyof typeof KINDS;
  readonly role?: string;
  readonly outcome?: 'open' | 'applied' | 'skipped' | 'undone';
}

/** The kinds as a plan shows them, and as it keeps them. */
const KINDS = {
  deactivate: 'deactivate',
  contain: 'contain',
  release: 'release',
  roles: 'change_roles',
  suspect: 'suspect',
  restore: 'restore',
  skipped: 'refuse',
} as const;

/** `--user`, `--kind` and so on, beside `--limit` and `--after`. */
export function addLineOptions(command: Command): Command {
  return addPageOptions(command)
    .option('--user <text>', 'only lines of whose e-mail, name or subject this is a part')
    .addOption(new Option('--kind <kind>', 'only lines of one kind').choices(Object.keys(KINDS)))
    .option('--reason <code>', 'only lines with one reason, such as absent')
    .option('--role <role>', 'only lines that give or take a role')
    .addOption(
      new Option('--outcome <outcome>', 'only lines of which this became').choices([
        'open',
        'applied',
        'skipped',
        'undone',
      ]),
    );
}

/** The lines that the options ask for. */
export function choiceOf({ user, kind, reason, role, outcome }: LineOptions): LineChoice {
  return {
    ...(user === undefined ? {} : { user }),
    ...(kind === undefined ? {} : { decision: KINDS[kind] }),
    ...(reason === undefined ? {} : { reason }),
    ...(role === undefined ? {} : { role }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}
