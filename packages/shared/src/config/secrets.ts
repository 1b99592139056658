import { AppError } from '../core/errors.ts';
import { readFileText } from './file-text.ts';

/** Where a secret is kept. The configuration holds this, never the secret. */
export type SecretReference =
  | { readonly kind: 'env'; readonly name: string }
  /** The path is absolute. */
  | { readonly kind: 'file'; readonly path: string };

/** A URL that is harmless to show, or the place of one that holds a password. */
export type UrlSource = { readonly kind: 'plain'; readonly value: string } | SecretReference;

/** Environment variables, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The shortest session key that is accepted, in characters. */
export const MIN_SESSION_KEY_LENGTH = 32;

const MAX_SECRET_BYTES = 64 * 1024;

/** A reference as the configuration writes it: `env:NAME` or `file:/path`. */
export function formatReference(reference: SecretReference): string {
  return reference.kind === 'env' ? `env:${reference.name}` : `file:${reference.path}`;
}

/**
 * Reads the secret that a reference points to, without the line break that
 * editors put at the end. Call it where the secret is used, as late as possible.
 *
 * Throws `config.secret_missing`, `config.secret_unreadable` or
 * `config.secret_empty`; each names the reference and never the value.
 */
export async function resolveSecret(reference: SecretReference, env: Environment): Promise<string> {
  const shown = formatReference(reference);
  const value = readRaw(reference, shown, env).replace(/\r?\n$/, '');
  if (value.trim() === '') {
    throw new AppError('config.secret_empty', `The secret ${shown} is empty.`, {
      detail: { reference: shown },
    });
  }
  return value;
}

/** {@link resolveSecret} for a list, in its order. */
export async function resolveSecrets(
  references: readonly SecretReference[],
  env: Environment,
): Promise<string[]> {
  return Promise.all(references.map((reference) => resolveSecret(reference, env)));
}

/**
 * The session keys, newest first: the first signs, all verify.
 * Throws what {@link resolveSecret} throws, and `config.secret_too_short` for a
 * key of fewer than {@link MIN_SESSION_KEY_LENGTH} characters.
 */
export async function resolveSessionKeys(
  keys: readonly SecretReference[],
  env: Environment,
): Promise<string[]> {
  return resolveLongSecrets(keys, env, 'session key');
}

/** The bearer tokens of the admin API, as {@link resolveSessionKeys} reads keys. */
export async function resolveAdminTokens(
  tokens: readonly SecretReference[],
  env: Environment,
): Promise<string[]> {
  return resolveLongSecrets(tokens, env, 'admin token');
}

async function resolveLongSecrets(
  references: readonly SecretReference[],
  env: Environment,
  what: string,
): Promise<string[]> {
  const values = await resolveSecrets(references, env);
  for (const [index, value] of values.entries()) {
    const reference = references[index];
    if (reference === undefined || value.length >= MIN_SESSION_KEY_LENGTH) continue;
    const shown = formatReference(reference);
    const wanted = `expected at least ${MIN_SESSION_KEY_LENGTH} characters`;
    // The length of a short key would help to guess it: it is not reported.
    throw new AppError('config.secret_too_short', `The ${what} ${shown} is too short: ${wanted}.`, {
      detail: { reference: shown, expected: MIN_SESSION_KEY_LENGTH },
    });
  }
  return values;
}

const PROTOCOLS = {
  postgres: ['postgres:', 'postgresql:'],
  redis: ['redis:', 'rediss:'],
} as const;

/** The servers that a URL may be given for. */
export type ServerKind = keyof typeof PROTOCOLS;

/** Whether a text is a URL of this kind of server. */
export function isServerUrl(kind: ServerKind, text: string): boolean {
  const url = URL.parse(text);
  return url !== null && PROTOCOLS[kind].some((protocol) => protocol === url.protocol);
}

/**
 * The URL of a server. Throws what {@link resolveSecret} throws, and
 * `config.secret_not_a_url` where the reference holds something else.
 */
export async function resolveServerUrl(
  kind: ServerKind,
  source: UrlSource,
  env: Environment,
): Promise<string> {
  if (source.kind === 'plain') return source.value;
  const value = await resolveSecret(source, env);
  if (!isServerUrl(kind, value)) {
    const shown = formatReference(source);
    throw new AppError(
      'config.secret_not_a_url',
      `The secret ${shown} is no ${kind} URL: expected ${PROTOCOLS[kind][0]}//….`,
      { detail: { reference: shown, expected: PROTOCOLS[kind] } },
    );
  }
  return value;
}

function readRaw(reference: SecretReference, shown: string, env: Environment): string {
  if (reference.kind === 'env') {
    const value = Object.hasOwn(env, reference.name) ? env[reference.name] : undefined;
    if (value !== undefined) return value;
    throw new AppError(
      'config.secret_missing',
      `The secret ${shown} is missing: the environment variable is not set.`,
      { detail: { reference: shown } },
    );
  }
  const reading = readFileText(reference.path, MAX_SECRET_BYTES);
  if (reading.ok) return reading.text;
  throw new AppError(
    'config.secret_unreadable',
    `The secret ${shown} cannot be read: ${reading.why}.`,
    { detail: { reference: shown }, cause: reading.cause },
  );
}
