import { X509Certificate } from 'node:crypto';
import { loadIdentityProvider } from '@rollcall/jit-auth/saml/load-identity-provider';
import type { Patience } from '@rollcall/jit-auth/saml/metadata-download';
import { loadOwnKeys, NO_KEYS } from '@rollcall/jit-auth/saml/own-keys';
import {
  type Environment,
  formatReference,
  resolveAdminTokens,
  resolveSecret,
  resolveServerUrl,
  resolveSessionKeys,
  type SecretReference,
} from '@rollcall/shared/config/secrets';
import type { Config, ConnectionConfig } from '@rollcall/shared/config/types';
import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { checkSink } from '@rollcall/shared/notify/sink';
import { checkWebhook } from '@rollcall/shared/webhook/webhook';
import { describeFailure } from '../failure.ts';

/** A certificate whose key may sign for an identity provider. */
export interface CheckedCertificate {
  readonly subject: string;
  /** SHA-256, hexadecimal with colons. */
  readonly fingerprint: string;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

/** The certificate of one of our own keys. */
export interface OwnCertificate extends CheckedCertificate {
  readonly use: 'signing' | 'decryption';
}

/** What is trusted of a connection's identity provider; null where it could not be loaded. */
export interface CheckedConnection {
  readonly connection: ConnectionConfig;
  readonly idp: {
    readonly entityId: string;
    readonly ssoUrl: string;
    readonly certificates: readonly CheckedCertificate[];
  } | null;
}

/** Something that would keep the service from working. */
export interface Problem {
  /** Where: the key of the configuration. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** What a check of a configuration found. */
export interface CheckReport {
  readonly connections: readonly (CheckedConnection & {
    readonly own: readonly OwnCertificate[];
  })[];
  /** How many secrets could be read. */
  readonly secrets: number;
  readonly problems: readonly Problem[];
}

/**
 * Goes beyond the file: reads every secret that it refers to (and forgets it),
 * loads the metadata of every identity provider. Opens no database and asks no directory.
 */
export async function checkConfiguration(
  config: Config,
  env: Environment,
  now: EpochMs,
): Promise<CheckReport> {
  const secrets = await checkSecrets(config, env);
  const connections = await Promise.all(
    config.connections.map(async (connection, index) => {
      const { checked, problem } = await checkConnection(connection, index, now);
      const own = await readOwnCertificates(config, connection, env);
      return { checked: { ...checked, own }, problem };
    }),
  );
  return {
    connections: connections.map(({ checked }) => checked),
    secrets: secrets.filter((problem) => problem === null).length,
    problems: [...secrets, ...connections.map(({ problem }) => problem)].filter(
      (problem) => problem !== null,
    ),
  };
}

/** Reads every secret, and forgets it: a problem for each that cannot be used, null for the others. */
export function checkSecrets(
  config: Config,
  env: Environment,
): Promise<readonly (Problem | null)[]> {
  return Promise.all(secretsOf(config, env).map(attempt));
}

interface Attempt {
  readonly path: string;
  readonly run: () => Promise<unknown>;
}

/** Every secret with the way in which the service would read it. */
function secretsOf(config: Config, env: Environment): Attempt[] {
  const { database, redis, session, admin, connections } = config;
  const attempts: Attempt[] = session.keys.map((key, index) => ({
    path: `session.keys.${index}`,
    run: () => resolveSessionKeys([key], env),
  }));
  const { url: databaseUrl } = database;
  if (databaseUrl !== null && databaseUrl.kind !== 'plain') {
    const run = (): Promise<string> => resolveServerUrl('postgres', databaseUrl, env);
    attempts.push({ path: 'database.url', run });
  }
  const { url: redisUrl } = redis;
  if (redisUrl !== null && redisUrl.kind !== 'plain') {
    const run = (): Promise<string> => resolveServerUrl('redis', redisUrl, env);
    attempts.push({ path: 'redis.url', run });
  }
  for (const [index, token] of admin.tokens.entries()) {
    const run = (): Promise<string[]> => resolveAdminTokens([token], env);
    attempts.push({ path: `admin.tokens.${index}`, run });
  }
  for (const [index, target] of config.targets.entries()) {
    attempts.push({ path: `targets.${index}`, run: () => checkWebhook(target, env) });
  }
  for (const [index, sink] of config.notify.entries()) {
    attempts.push({ path: `notify.${index}`, run: () => checkSink(sink, env) });
  }
  const plain: [string, SecretReference][] = [];
  attempts.push(...ownKeysOf('saml', config.saml, env));
  for (const [index, { directory, keys }] of connections.entries()) {
    if (keys !== null) attempts.push(...ownKeysOf(`connections.${index}.keys`, keys, env));
    const path = `connections.${index}.directory`;
    if (directory.type === 'scim') plain.push([`${path}.token`, directory.token]);
    if (directory.type === 'roster' && directory.token !== null) {
      plain.push([`${path}.token`, directory.token]);
    }
    if (directory.type === 'keycloak')
      plain.push([`${path}.client_secret`, directory.clientSecret]);
  }
  return [
    ...attempts,
    ...plain.map(([path, reference]) => ({ path, run: () => resolveSecret(reference, env) })),
  ];
}

function ownKeysOf(path: string, keys: Config['saml'], env: Environment): Attempt[] {
  return (['signing', 'decryption'] as const).flatMap((use) =>
    keys[use].map((reference, index) => ({
      path: `${path}.${use}.${index}`,
      run: () => loadOwnKeys({ signing: [reference], decryption: [] }, env),
    })),
  );
}

/** The certificates of our own keys; none where one cannot be used, which is a problem of its own. */
async function readOwnCertificates(
  config: Config,
  connection: ConnectionConfig,
  env: Environment,
): Promise<readonly OwnCertificate[]> {
  const keys = await loadOwnKeys(connection.keys ?? config.saml, env).catch(() => NO_KEYS);
  return (['signing', 'decryption'] as const).flatMap((use) =>
    keys[use].map(({ certificate }) => ({ use, ...readCertificate(certificate.toString()) })),
  );
}

async function attempt({ path, run }: Attempt): Promise<Problem | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return problemOf(path, error);
  }
}

/** Loads what is trusted of one connection's identity provider. Never throws. */
export async function checkConnection(
  connection: ConnectionConfig,
  index: number,
  now: EpochMs,
  patience?: Patience,
): Promise<{ checked: CheckedConnection; problem: Problem | null }> {
  try {
    const loaded = await loadIdentityProvider(connection.idp, now, patience);
    const { entityId, ssoUrl, certificates } = loaded.idp;
    const idp = { entityId, ssoUrl, certificates: certificates.map(readCertificate) };
    return { checked: { connection, idp }, problem: null };
  } catch (error) {
    const problem = problemOf(`connections.${index}.idp`, error);
    return { checked: { connection, idp: null }, problem };
  }
}

/** What people want to know of a certificate. */
export function readCertificate(pem: string): CheckedCertificate {
  const certificate = new X509Certificate(pem);
  return {
    subject: certificate.subject,
    fingerprint: certificate.fingerprint256,
    notBefore: toEpochMs(certificate.validFromDate.getTime()),
    notAfter: toEpochMs(certificate.validToDate.getTime()),
  };
}

function problemOf(path: string, error: unknown): Problem {
  const { code, message } = describeFailure(error);
  return { path, code, message };
}

/** How the configuration writes where its database is, for people: never the URL itself. */
export function sayDatabase({ database }: Config): string {
  const { url } = database;
  if (url === null) return 'embedded, in .rollcall/postgres';
  return url.kind === 'plain' ? new URL(url.value).host : formatReference(url);
}
