import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadConfig } from '@rollcall/shared/config/load';
import type { Config, Environment } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import { STATE_FOLDER } from './state-folder.ts';

/** The name under which a configuration is looked for in the working directory. */
export const CONFIG_FILE = 'rollcall.yaml';
/** The configuration that the demo writes for itself, in the folder of state. */
export const DEMO_CONFIG_FILE = 'demo.yaml';

/** Which configuration a command works with. */
export type ConfigSource =
  | { readonly kind: 'file'; readonly path: string }
  /** There is none, so it is the demo's; `written` where the demo has run here before. */
  | { readonly kind: 'demo'; readonly path: string; readonly written: boolean };

/**
 * `--config FILE`, else `rollcall.yaml` in the working directory, else the demo's.
 *
 * @param given the value of `--config`; null where it was left out.
 */
export function findConfiguration(given: string | null, workingDirectory: string): ConfigSource {
  if (given !== null) return { kind: 'file', path: given };
  if (existsSync(join(workingDirectory, CONFIG_FILE))) return { kind: 'file', path: CONFIG_FILE };
  const path = join(STATE_FOLDER, DEMO_CONFIG_FILE);
  return { kind: 'demo', path, written: existsSync(join(workingDirectory, path)) };
}

/** A configuration that was read, and where it is written. */
export interface LoadedConfiguration {
  readonly config: Config;
  readonly source: ConfigSource;
}

/**
 * Reads the configuration of a command that needs one to exist.
 * Throws `cli.no_configuration` and `ConfigError`.
 */
export async function loadConfiguration(
  given: string | null,
  workingDirectory: string,
  env: Environment,
): Promise<LoadedConfiguration> {
  const source = findConfiguration(given, workingDirectory);
  if (source.kind === 'demo' && !source.written) throw noConfiguration(workingDirectory);
  return { config: await loadConfig(source.path, env), source };
}

/** `cli.no_configuration` */
export function noConfiguration(workingDirectory: string): AppError {
  const here = relative(process.cwd(), workingDirectory) || 'this folder';
  return new AppError(
    'cli.no_configuration',
    `There is no ${CONFIG_FILE} in ${here}, and the demo has not run here: name a configuration with --config, or run \`rollcall start\` first.`,
  );
}
