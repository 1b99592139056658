import { ownCertificates } from '@rollcall/jit-auth/connections/certificate-ends';
import { trustedCertificates } from '@rollcall/jit-auth/connections/certificate-history';
import { copyKey } from '@rollcall/jit-auth/connections/url-keeper';
import { loadIdentityProvider, readTrusted } from '@rollcall/jit-auth/saml/load-identity-provider';
import type { MetadataReading } from '@rollcall/jit-auth/saml/metadata';
import { loadOwnKeys } from '@rollcall/jit-auth/saml/own-keys';
import type { Config, ConnectionConfig, Environment } from '@rollcall/shared/config/types';
import { AppError, codeOf, wordsOf } from '@rollcall/shared/core/errors';
import type { EpochMs } from '@rollcall/shared/core/time';
import type { Database } from '@rollcall/shared/db/database';
import {
  type KnownCertificate,
  readCopy,
  type StoredCopy,
} from '@rollcall/shared/db/identity-providers';
import { type CheckedCertificate, readCertificate } from './check-configuration.ts';

/** A certificate of a connection, and whether its key is trusted. */
export interface ShownCertificate extends CheckedCertificate {
  readonly use: 'identity_provider' | 'own_signing' | 'own_decryption';
  /** `trusted` is also what was withdrawn and is trusted for a while. */
  readonly trusted: boolean;
  /** What became of it in the metadata; null where it does not come from an address. */
  readonly known: KnownCertificate | null;
}

/** What is known of a connection without asking anybody but the database. */
export interface KnownConnection {
  readonly connection: ConnectionConfig;
  /** What instances trust, as far as it is stored; null where that is nothing. */
  readonly reading: MetadataReading | null;
  /** Why nothing is trusted; null where something is. */
  readonly problem: { readonly code: string; readonly message: string } | null;
  /** The last good copy of the metadata at an address; null for other sources. */
  readonly copy: StoredCopy | null;
  readonly certificates: readonly ShownCertificate[];
}

/** What a connection is read with. */
export interface KnownConnectionDeps {
  readonly db: Database;
  readonly env: Environment;
  readonly now: EpochMs;
}

/** The connections of the configuration, or the one that is named. Throws `connection.unknown`. */
export function connectionsNamed(
  { connections }: Config,
  id: string | undefined,
): readonly ConnectionConfig[] {
  if (id === undefined) return connections;
  const found = connections.filter((connection) => connection.id === id);
  if (found.length > 0) return found;
  throw new AppError(
    'connection.unknown',
    'The configuration has no connection of this name: `rollcall connection list` shows them.',
    { detail: { expected: connections.map((one) => one.id), received: id.slice(0, 80) } },
  );
}

/** Reads what is known of a connection. What is wrong with it is part of the answer. */
export async function readConnection(
  config: Config,
  connection: ConnectionConfig,
  deps: KnownConnectionDeps,
): Promise<KnownConnection> {
  const { idp } = connection;
  const copy =
    idp.kind === 'metadata_url' ? await readCopy(deps.db, copyKey(connection.id, idp.url)) : null;
  const read = await attempt(() => readMetadataOf(idp, copy, deps.now));
  const own = await attempt(() => loadOwnKeys(connection.keys ?? config.saml, deps.env));
  const ours = 'value' in own ? ownCertificates(connection.id, own.value) : [];
  return {
    connection,
    copy,
    reading: 'value' in read ? read.value : null,
    problem: 'problem' in read ? read.problem : 'problem' in own ? own.problem : null,
    certificates: [
      ...shownOf(idp, 'value' in read ? read.value : null, copy, deps.now),
      ...ours.map(({ use, certificate }) => ({
        ...readCertificate(certificate.toString()),
        use,
        trusted: true,
        known: null,
      })),
    ],
  };
}

type Attempt<T> = { readonly value: T } | { readonly problem: KnownConnection['problem'] };

async function attempt<T>(read: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { problem: { code: codeOf(error), message: wordsOf(error) } };
  }
}

/** From an address only what is stored: an address is asked by the service, and by `rollcall check`. */
async function readMetadataOf(
  idp: ConnectionConfig['idp'],
  copy: StoredCopy | null,
  now: EpochMs,
): Promise<MetadataReading> {
  if (idp.kind !== 'metadata_url') return loadIdentityProvider(idp, now);
  if (copy?.fetched) return readTrusted(copy.fetched.xml, idp.pins, now);
  const failure = copy?.lastFailure ?? null;
  if (failure !== null) throw new AppError(failure.code, failure.sentence);
  const sentence = 'Its metadata has not been fetched yet: the service does that when it starts.';
  throw new AppError('connection.opening', sentence);
}

function shownOf(
  idp: ConnectionConfig['idp'],
  reading: MetadataReading | null,
  copy: StoredCopy | null,
  now: EpochMs,
): readonly ShownCertificate[] {
  const use = 'identity_provider' as const;
  if (idp.kind !== 'metadata_url') {
    const certificates = reading?.idp.certificates ?? [];
    return certificates.map((pem) => ({
      ...readCertificate(pem),
      use,
      trusted: true,
      known: null,
    }));
  }
  const known = copy?.certificates ?? [];
  const trusted = reading === null ? [] : trustedCertificates(known, now, idp);
  return known.map((one) => ({
    ...readCertificate(one.pem),
    use,
    trusted: trusted.includes(one.pem),
    known: one,
  }));
}
