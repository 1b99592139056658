import { readConfig } from '@rollcall/shared/config/load';
import { resolveAdminTokens, resolveSessionKeys } from '@rollcall/shared/config/secrets';
import type { Config, ConfigInput } from '@rollcall/shared/config/types';
import { retireConnections } from '@rollcall/shared/db/connections';
import { migrate } from '@rollcall/shared/db/migrate';
import { currentTime } from '@rollcall/shared/db/timestamp';
import {
  type Foundation,
  type FoundationOptions,
  openFoundation,
} from '@rollcall/shared/engine/foundation';
import { createLog, type Log } from '@rollcall/shared/telemetry/log';
import { type ErrorRequestHandler, type RequestHandler, Router } from 'express';
import { reportCertificateEnds } from './connections/certificate-ends.ts';
import { raiseCertificateNotices } from './connections/certificate-notices.ts';
import { type IdentityProviders, openIdentityProviders } from './connections/identity-providers.ts';
import { noteOpenDoors } from './connections/open-doors.ts';
import {
  type ChangeHandler,
  type ChangeOptions,
  type ChangeSubscription,
  openHooks,
} from './hooks.ts';
import { keepHouse } from './housekeeping.ts';
import { adminRoutes } from './http/admin-routes.ts';
import { type AdminToken, rememberTokens } from './http/admin-token.ts';
import { requestDeadline } from './http/deadline.ts';
import { answerErrors } from './http/errors.ts';
import { requireRole, requireUser } from './http/guards.ts';
import { healthRoutes } from './http/health-routes.ts';
import { type LoginRoutesContext, loginRoutes } from './http/login-routes.ts';
import { readRequestSession } from './http/request-session.ts';
import { samlRoutes } from './http/saml-routes.ts';
import { sessionRoutes } from './http/session-routes.ts';
import { openSecondOpinion } from './saml/open-second-opinion.ts';
import { ScimHealth } from './scim/http/scim-health.ts';
import { scimRoutes } from './scim/http/scim-routes.ts';
import { RequestLog } from './scim/log/request-log.ts';
import { cookieSession } from './sessions/cookie-session.ts';
import { openConnections, type SignInConnections } from './sign-in-connection.ts';
import { SignInRecord } from './sign-in-record.ts';

/** What a host may bring along: its own pool, its own Redis client, its own log. */
export interface JitAuthOptions extends FoundationOptions {
  readonly log?: Log;
  /** A foundation that is open already, as the service has one; it stays the caller's. */
  readonly foundation?: Foundation;
}

/** The plugin, ready to be mounted. */
export interface JitAuth {
  /** Sign-in, sign-out, session and health routes; fills `req.user`. Mount it first, at the root. */
  readonly router: RequestHandler;
  /** Lets only signed-in people on. */
  requireUser(): RequestHandler;
  /** Lets only holders of a role on; use behind `requireUser()`. */
  requireRole(role: string): RequestHandler;
  /** Answers errors with a page or problem+json and a reference. Mount it last. */
  readonly errors: ErrorRequestHandler;
  /**
   * Has a handler told of every change of somebody's access, after its commit: at least
   * once, each change by one instance at a time, in the order of each user. A handler
   * that throws or takes too long is called again, later and later, and holds up only
   * the later changes of the same user. Throws `hook.bad_name` and `hook.name_taken`.
   */
  onChange(handler: ChangeHandler, options?: ChangeOptions): ChangeSubscription;
  /** Closes what this opened; what the host brought stays open. */
  close(): Promise<void>;
}

/**
 * Opens Rollcall's sign-in for an Express app:
 *
 * ```ts
 * const auth = await jitAuth('rollcall.yaml');
 * app.use(auth.router);
 * app.get('/reports', auth.requireUser(), auth.requireRole('analyst'), …);
 * ```
 *
 * @param configOrPath the path of a `rollcall.yaml`, or the same as an object.
 * Throws `ConfigError`, `database.…`, `redis.…`, `config.secret_…` and `saml.own_key_…`;
 * whatever was open by then is closed. A connection whose identity provider cannot be
 * loaded is no reason: it answers that it is not available, and is tried again.
 */
export async function jitAuth(
  configOrPath: ConfigInput | string,
  options: JitAuthOptions = {},
): Promise<JitAuth> {
  const env = options.env ?? process.env;
  const config = await readConfig(configOrPath, env);
  const keys = await resolveSessionKeys(config.session.keys, env);
  const adminTokens = rememberTokens(await resolveAdminTokens(config.admin.tokens, env));
  const log = options.log ?? createLog('info');
  const foundation = options.foundation ?? (await openFoundation(config, options));
  const record = new SignInRecord(foundation.db, log);
  const scimHealth = new ScimHealth(foundation.db, log);
  const requestLog = new RequestLog(foundation.db, log);
  const hooks = openHooks(foundation.db, log);
  const second = openSecondOpinion(config.verification, log);
  let stopHousekeeping = async (): Promise<void> => undefined;
  let identityProviders: IdentityProviders | undefined;
  const stops: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops) await stop();
    await second.close();
    await hooks.close();
    await identityProviders?.close();
    await stopHousekeeping();
    await Promise.all([record.close(), scimHealth.write(), requestLog.write()]);
    if (options.foundation === undefined) await foundation.close();
  };
  try {
    await migrate(foundation.pool);
    await retireConnections(
      foundation.db,
      config.connections.map(({ id }) => id),
      currentTime(),
    );
    stopHousekeeping = keepHouse(foundation.engine, log);
    identityProviders = await openIdentityProviders(config.connections, { db: foundation.db, log });
    const deps = { env, log, second, identityProviders };
    const connections = await openConnections(config, foundation, deps);
    const noting = { db: foundation.db, log };
    stops.push(reportCertificateEnds(connections.values(), log));
    stops.push(noteOpenDoors(connections.values(), noting));
    stops.push(raiseCertificateNotices(connections.values(), noting));
    const watching = { log, record, scimHealth, requestLog };
    const parts = { config, foundation, keys, adminTokens, connections, ...watching };
    const router = buildRouter(parts);
    const errors = answerErrors(log);
    return { router, requireUser, requireRole, errors, onChange: hooks.add, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Parts {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly keys: readonly string[];
  readonly adminTokens: readonly AdminToken[];
  readonly log: Log;
  readonly record: SignInRecord;
  readonly scimHealth: ScimHealth;
  readonly requestLog: RequestLog;
  readonly connections: SignInConnections;
}

function buildRouter(parts: Parts): Router {
  const { config, foundation, keys, log, record, connections } = parts;
  const { db, engine } = foundation;
  const { publicUrl } = config;
  const https = publicUrl.startsWith('https:');
  const router = Router();
  // Probes come before the session: they must answer when its store does not.
  router.use(healthRoutes(engine));
  // So do programs with a token: their requests carry no cookie that counts.
  if (parts.adminTokens.length > 0) {
    router.use(adminRoutes({ db, config, tokens: parts.adminTokens, log }));
  }
  if (config.connections.some(({ provisioning }) => provisioning !== 'jit')) {
    const { scimHealth: health, requestLog } = parts;
    router.use(scimRoutes({ db, config, engine, keys, log, health, requestLog }));
  }
  const deadline = requestDeadline(log);
  router.use(deadline.begin);
  router.use(
    cookieSession({
      engine,
      keys,
      https,
      maxMs: config.session.maxMs,
      onError: (error) => log.error({ event: 'session.store_failed', err: error }),
    }),
  );
  const trusted = new Set<string>(connections.keys());
  router.use(readRequestSession({ db, idleMs: config.session.idleMs, connections: trusted }));
  const signInConnections = connections;
  router.use(sessionRoutes({ db, publicUrl, signInConnections, https, log }));
  router.use(loginRoutes({ ...loginChoices(config, connections), https, log }));
  router.use(samlRoutes({ connections, record, engine, https, log }));
  router.use(deadline.end);
  return router;
}

/** What people may choose from at `/login`, in the order of the configuration. */
function loginChoices(
  { connections: configured, login }: Config,
  opened: SignInConnections,
): Pick<LoginRoutesContext, 'connections' | 'showConnections'> {
  const connections = configured.map(({ id, label, domains }) => {
    const isAvailable = (): boolean => opened.get(id)?.problem() === null;
    return { id, label, domains, isAvailable };
  });
  return { connections, showConnections: login.showConnections };
}
