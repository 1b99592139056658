import type { Config, ConnectionConfig, Environment } from '@rollcall/shared/config/types';
import type { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { privilegedRoles } from '@rollcall/shared/core/roles';
import type { EpochMs } from '@rollcall/shared/core/time';
import { finishTest, isTestUnderWay, useTestTicket } from '@rollcall/shared/db/sign-in-tests';
import type { Engine } from '@rollcall/shared/engine/engine';
import type { Foundation } from '@rollcall/shared/engine/foundation';
import type { SignInTestReport } from '@rollcall/shared/explanation/sign-in-test';
import type { Log } from '@rollcall/shared/telemetry/log';
import {
  ownCertificates,
  trustedOf,
  type UsedCertificate,
} from './connections/certificate-ends.ts';
import type { IdentityProviders } from './connections/identity-providers.ts';
import { provisioningPolicy } from './provisioning/policy.ts';
import {
  type ProvisioningContext,
  provision,
  type SignInResult,
} from './provisioning/provision.ts';
import type { LiveIdentityProvider } from './saml/live-identity-provider.ts';
import type { Delivery } from './saml/logout/logout-message.ts';
import {
  type LogoutOutcome,
  receiveLogout,
  type SessionName,
  startLogout,
} from './saml/logout/single-logout.ts';
import type { ReceivedLogout } from './saml/logout/verify-logout.ts';
import { loadOwnKeys, type OwnKeys } from './saml/own-keys.ts';
import { PostgresReplayMemory } from './saml/postgres-replay-memory.ts';
import type { PostedForm } from './saml/raw-response.ts';
import { RedisReplayMemory } from './saml/redis-replay-memory.ts';
import { SamlRefusal } from './saml/refusal.ts';
import type { ReplayMemory } from './saml/replay-memory.ts';
import { startSignIn } from './saml/request.ts';
import { requestSigningKey } from './saml/request-signing.ts';
import { type SamlConnection, samlConnection } from './saml/saml-connection.ts';
import { ON_THIS_THREAD, type SecondOpinion } from './saml/second-opinion.ts';
import { type MetadataPromises, PERSISTENT, spMetadata } from './saml/sp-metadata.ts';
import { noticeSettings } from './saml/start-notices.ts';
import { type VerifyDeps, verifyResponse } from './saml/verify.ts';
import { reportAssertion, reportRefusal } from './sign-in-test/report.ts';
import { raisingDisputes } from './verifier-dispute.ts';

/** A response as a browser posted it. */
export interface PostedSignIn {
  readonly form: PostedForm;
  /** The secret in the browser's cookie; null where it brought none. */
  readonly browser: string | null;
  readonly reference: string;
  readonly now: EpochMs;
}

/** A response as a browser posted it that tests. */
export type PostedTest = PostedSignIn & { readonly browser: string };

/** A logout message as a browser, or the identity provider itself, brought it. */
export type BroughtLogout = Omit<PostedSignIn, 'form'> & { readonly received: ReceivedLogout };

/** How a sign-in ended whose response verified. */
export type FinishedSignIn = SignInResult & {
  readonly returnTo: string;
  /** IssueInstant of the assertion, by the clock of the identity provider. */
  readonly issuedAt: EpochMs;
};

/** Sign-in by one connection, from the first redirect to the committed session. */
export interface SignInConnection {
  readonly id: ConnectionId;
  /** Our metadata for the administrator of the identity provider, as XML. */
  readonly metadata: string;
  /** Certificates that it depends on now, the provider's and ours. */
  certificates(): readonly UsedCertificate[];
  /** Why nobody can sign in by it at present; null where people can. */
  problem(): AppError | null;
  /** The address at the identity provider to which the browser is sent. */
  start(browser: string, returnTo: string, now: EpochMs): Promise<string>;
  /** Throws `SamlRefusal` for a response that does not verify. */
  finish(posted: PostedSignIn): Promise<FinishedSignIn>;
  /** As {@link start}, for a test by a ticket; null where the ticket is good for nothing. */
  startTest(ticket: string, browser: string, now: EpochMs): Promise<string | null>;
  /**
   * As {@link finish}, for a test: nobody is signed in, and what was seen is kept for
   * whoever made the ticket. Null where no test of this browser is under way.
   */
  finishTest(posted: PostedTest): Promise<SignInTestReport | null>;
  /** The message that asks the identity provider to end a session; null where it cannot be asked. */
  startLogout(named: SessionName, browser: string, now: EpochMs): Promise<Delivery | null>;
  /** Throws `SamlRefusal` for a logout message that does not verify. */
  receiveLogout(brought: BroughtLogout): Promise<LogoutOutcome>;
}

/** The connections by their ids. */
export type SignInConnections = ReadonlyMap<string, SignInConnection>;

/** What the connections are opened with. */
export interface OpenConnectionsDeps {
  readonly env: Environment;
  readonly log: Log;
  readonly identityProviders: IdentityProviders;
  /** Where the second verifier is asked; on this thread where left out. It stays the caller's. */
  readonly second?: SecondOpinion;
}

/**
 * Opens every connection of the configuration. One whose identity provider is not known
 * at present opens too, and says so.
 * Throws `saml.own_key_unusable`, `config.secret_…`.
 */
export async function openConnections(
  config: Config,
  foundation: Foundation,
  { env, log, second = ON_THIS_THREAD, identityProviders }: OpenConnectionsDeps,
): Promise<SignInConnections> {
  const verification = { memory: openReplayMemory(foundation.engine), second };
  let shared: Promise<OwnKeys> | null = null;
  // Those of `saml` are read once, however many connections have no other.
  const keysOf = ({ keys }: ConnectionConfig): Promise<OwnKeys> => {
    if (keys !== null) return loadOwnKeys(keys, env);
    shared ??= loadOwnKeys(config.saml, env);
    return shared;
  };
  const opened = await Promise.all(
    config.connections.map(async (connection) => {
      const live = identityProviders.of(connection.id);
      const keys = await keysOf(connection);
      const saml = samlConnection(connection, live, keys, config.publicUrl);
      noticeSettings(saml, log);
      const provisioning = provisioningContext(config, connection, foundation);
      const { subject } = connection;
      return signInConnection(saml, { live, subject, provisioning, verification, log });
    }),
  );
  return new Map(opened.map((connection) => [connection.id, connection]));
}

/** What our metadata says besides, as things are now: `sign_requests` may follow the provider's wish. */
function promisesOf(
  saml: SamlConnection,
  { live, subject }: Pick<Parts, 'live' | 'subject'>,
): MetadataPromises {
  const known = live.problem() === null;
  return {
    signsRequests: known && requestSigningKey(saml) !== null,
    nameIdFormat: subject.kind === 'name_id' ? PERSISTENT : null,
  };
}

interface Parts {
  readonly live: LiveIdentityProvider;
  readonly subject: ConnectionConfig['subject'];
  readonly provisioning: ProvisioningContext;
  readonly verification: Pick<VerifyDeps, 'memory' | 'second'>;
  readonly log: Log;
}

function signInConnection(
  saml: SamlConnection,
  { live, subject, provisioning, verification, log }: Parts,
): SignInConnection {
  const deps = { connection: saml, ...verification };
  const logout = { connection: saml, memory: verification.memory, db: provisioning.db };
  const disputable = <T>(reference: string, now: EpochMs, work: () => Promise<T>): Promise<T> =>
    raisingDisputes({ db: provisioning.db, log }, { connectionId: saml.id, reference, now }, work);
  return {
    id: saml.id,
    get metadata() {
      return spMetadata(saml, promisesOf(saml, { live, subject }));
    },
    certificates: () => [
      ...(live.problem() === null ? trustedOf(saml.id, live.current().certificates) : []),
      ...ownCertificates(saml.id, saml.keys),
    ],
    problem: () => live.problem(),
    start: (browser, returnTo, now) => startSignIn({ browser, returnTo }, { ...deps, now }),
    finish: async ({ form, browser, reference, now }) => {
      const { assertion, returnTo, begunAt } = await disputable(reference, now, () =>
        verifyResponse({ form, browser }, { ...deps, now }),
      );
      const attempt = { reference, begunAt };
      const result = await provision(provisioning, assertion, attempt, now);
      return { ...result, returnTo, issuedAt: assertion.issuedAt };
    },
    ...signInTest(saml, provisioning, deps),
    startLogout: (named, browser, now) => startLogout(named, browser, logout, now),
    receiveLogout: ({ received, browser, reference, now }) =>
      disputable(reference, now, () => receiveLogout(received, browser, logout, now)),
  };
}

function signInTest(
  saml: SamlConnection,
  provisioning: ProvisioningContext,
  deps: Omit<VerifyDeps, 'now'>,
): Pick<SignInConnection, 'startTest' | 'finishTest'> {
  const { db } = provisioning;
  return {
    startTest: async (ticket, browser, now) => {
      if (!(await useTestTicket(db, ticket, saml.id, browser, now))) return null;
      return startSignIn({ browser, returnTo: '/' }, { ...deps, now });
    },
    finishTest: async ({ form, browser, reference, now }) => {
      // Whoever only says that they test gets nothing verified that is not counted as a sign-in.
      if (!(await isTestUnderWay(db, browser, saml.id, now))) return null;
      const report = await verifyResponse({ form, browser }, { ...deps, now }).then(
        ({ assertion }) => reportAssertion(provisioning, assertion, reference, now),
        (error: unknown) => {
          if (error instanceof SamlRefusal) return reportRefusal(saml.id, error, reference);
          throw error;
        },
      );
      return (await finishTest(db, browser, saml.id, report, now)) ? report : null;
    },
  };
}

function provisioningContext(
  config: Config,
  connection: ConnectionConfig,
  { db }: Foundation,
): ProvisioningContext {
  return {
    db,
    policy: provisioningPolicy(config, connection),
    mode: connection.roles,
    provisioning: connection.provisioning,
    vouching: connection.directory.type === 'none' ? 'assertion' : 'directory',
    privilegedRoles: privilegedRoles(config.roles),
    sessionMaxMs: config.session.maxMs,
    clockSkewMs: connection.clockSkewMs,
  };
}

/** Replay memory lives where the engine lives. */
function openReplayMemory(engine: Engine): ReplayMemory {
  if (engine.kind === 'redis') return new RedisReplayMemory(engine.redis);
  return new PostgresReplayMemory(engine.pool);
}
