import type { Config } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import { migrationStatus } from '@rollcall/shared/db/migrate';
import { type Foundation, openFoundation } from '@rollcall/shared/engine/foundation';
import type { Invocation } from '../invocation.ts';
import { type LoadedConfiguration, loadConfiguration } from './configuration.ts';

/** A configuration and the database that it names, open for one command. */
export interface Opened extends LoadedConfiguration {
  readonly foundation: Foundation;
}

/** What a command needs besides the database. */
export interface Needs {
  /** Redis too, where it is configured. */
  readonly engine: boolean;
}

/**
 * Runs work on the database that the configuration names, and closes it after.
 * The embedded one is joined where a service runs, else started for as long as
 * the work takes.
 * Throws `cli.no_configuration`, `ConfigError`, `database.…`, `redis.…`, and
 * `database.migrations_pending` where the schema is older than this version.
 */
export async function withFoundation<T>(
  invocation: Invocation,
  needs: Needs,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { config: given, workingDirectory, env } = invocation;
  const loaded = await loadConfiguration(given, workingDirectory, env);
  const foundation = await openForCommand(loaded.config, invocation, needs);
  try {
    await requireMigrated(foundation);
    return await work({ ...loaded, foundation });
  } finally {
    await foundation.close();
  }
}

/** Opens the database without asking what schema it has. */
export function openForCommand(
  config: Config,
  { env, json, terminal }: Invocation,
  needs: Needs,
): Promise<Foundation> {
  const onProgress = (line: string): void => {
    if (!json) terminal.complain(terminal.complaintColors.dim(`${line} …`));
  };
  const wanted = needs.engine ? config : { ...config, redis: { url: null } };
  return openFoundation(wanted, { env, onProgress });
}

async function requireMigrated({ pool }: Foundation): Promise<void> {
  const { pending } = await migrationStatus(pool);
  if (pending.length === 0) return;
  throw new AppError(
    'database.migrations_pending',
    `The database lacks ${pending.join(', ')}: run \`rollcall migrate\` first.`,
    { detail: { pending } },
  );
}
