import { dirname, resolve } from 'node:path';
import { readFileText } from './file-text.ts';
import { ConfigError, type ConfigIssueCode, type Finding, findingsOf, locate } from './issues.ts';
import { findRelationFaults } from './relations.ts';
import { configSchema } from './schema.ts';
import type { Config, ConfigInput, Environment, UrlSource } from './types.ts';
import { type KeyPath, type Position, parseYaml } from './yaml-document.ts';

/** The largest configuration file that is read, in bytes. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** Where a configuration text comes from. */
export interface TextOrigin {
  /** Its name in messages, such as `rollcall.yaml`. */
  readonly file: string;
  /** `DATABASE_URL` and `REDIS_URL` count where the text leaves the URLs out. */
  readonly env: Environment;
  /** The folder from which relative paths are taken. */
  readonly baseDir: string;
}

/**
 * Reads and checks a configuration file. No secret is read.
 *
 * Throws {@link ConfigError} with every problem, each with its line and column.
 */
export async function loadConfig(path: string, env: Environment): Promise<Config> {
  const reading = readFileText(path, MAX_CONFIG_BYTES);
  if (reading.ok) {
    return parseConfig(reading.text, { file: path, env, baseDir: dirname(resolve(path)) });
  }
  const code = reading.tooLarge ? 'config.too_large' : 'config.unreadable';
  throw wholeFileError(
    path,
    `the configuration cannot be read: ${reading.why}`,
    code,
    reading.cause,
  );
}

/** Checks the text of a configuration file. Throws {@link ConfigError}. */
export function parseConfig(text: string, origin: TextOrigin): Config {
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    const message = `the configuration is larger than ${MAX_CONFIG_BYTES} bytes`;
    throw wholeFileError(origin.file, message, 'config.too_large');
  }
  const reading = parseYaml(text.replace(/^\ufeff/, ''));
  if (!reading.ok) {
    const issues = reading.findings.flatMap((finding) =>
      locate([finding], origin.file, () => finding.position),
    );
    throw new ConfigError(issues);
  }
  const { source } = reading;
  return check(source.value, {
    ...origin,
    positionOf: (path, atKey) => source.positionOf(path, atKey),
    lineOfRule: (index) => source.positionOf(['roles', index], false).line,
  });
}

/** What the plugin may say about a configuration that it is given as an object. */
export interface ObjectOrigin {
  /** Its name in messages; `configuration` where left out. */
  readonly name?: string;
  readonly env?: Environment;
  /** The folder from which relative paths are taken; the working directory where left out. */
  readonly baseDir?: string;
}

/**
 * Checks a configuration that is given as an object, in the words of the file
 * ({@link import('./types.ts').ConfigInput}). Rules cite their number, counted
 * from 1, where those of a file cite their line. Throws {@link ConfigError}.
 */
export function validateConfig(input: unknown, origin: ObjectOrigin = {}): Config {
  return check(input, {
    file: origin.name ?? 'configuration',
    env: origin.env ?? {},
    baseDir: resolve(origin.baseDir ?? '.'),
    positionOf: () => null,
    lineOfRule: (index) => index + 1,
  });
}

interface CheckOrigin extends TextOrigin {
  readonly positionOf: (path: KeyPath, atKey: boolean) => Position | null;
  readonly lineOfRule: (index: number) => number;
}

/** By folder: to build one takes far longer than to check with it. A process has few folders. */
const schemas = new Map<string, ReturnType<typeof configSchema>>();

function schemaFor(baseDir: string): ReturnType<typeof configSchema> {
  const known = schemas.get(baseDir);
  if (known !== undefined) return known;
  const schema = configSchema(baseDir);
  schemas.set(baseDir, schema);
  return schema;
}

function check(input: unknown, origin: CheckOrigin): Config {
  const parsed = schemaFor(origin.baseDir).safeParse(input);
  const findings: Finding[] = parsed.success ? [] : findingsOf(parsed.error, input);
  findings.push(...findRelationFaults(input));
  if (!parsed.success || findings.length > 0) {
    throw new ConfigError(locate(findings, origin.file, origin.positionOf));
  }
  const { data } = parsed;
  return {
    ...data,
    database: { url: data.database.url ?? fromEnvironment('DATABASE_URL', origin.env) },
    redis: { url: data.redis.url ?? fromEnvironment('REDIS_URL', origin.env) },
    roles: data.roles.map((rule, index) => ({
      ...rule,
      source: { file: origin.file, line: origin.lineOfRule(index) },
    })),
  };
}

/** A reference, not the value: it may hold a password. */
function fromEnvironment(name: string, env: Environment): UrlSource | null {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return value === undefined || value === '' ? null : { kind: 'env', name };
}

function wholeFileError(
  file: string,
  message: string,
  code: ConfigIssueCode,
  cause?: unknown,
): ConfigError {
  const issue = { file, line: null, column: null, path: '', message, code };
  return new ConfigError([issue], { cause });
}

/**
 * The configuration that a host hands over: by its path, or as an object.
 * Throws {@link ConfigError}.
 */
export async function readConfig(
  configOrPath: ConfigInput | string,
  env: Environment,
): Promise<Config> {
  if (typeof configOrPath === 'string') return loadConfig(configOrPath, env);
  return validateConfig(configOrPath, { env });
}
