import { configFingerprint } from '@rollcall/shared/config/fingerprint';
import { resolveSecret } from '@rollcall/shared/config/secrets';
import type { Config, ConnectionConfig, Environment } from '@rollcall/shared/config/types';
import { AppError } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { privilegedRoles } from '@rollcall/shared/core/roles';
import type { Database } from '@rollcall/shared/db/database';
import { noDirectory } from '../directories/no-directory.ts';
import { openDirectory } from '../directories/open-directory.ts';
import { type DirectoryPlace, placeOf } from '../directories/place.ts';
import type { Directory } from '../directories/port.ts';
import type { BrakeLimits } from '../reconcile/brake-limits.ts';
import type { SweepPolicy } from '../reconcile/policy.ts';
import { configuredLimits } from './configured-limits.ts';
import { sharedPace } from './shared-pace.ts';

/** What happens to a plan: nothing, nothing without approval, or all that the brake lets through. */
export type SweepMode = 'observe' | 'approve' | 'auto';

/** Everything that a sweep of one connection has to know. */
export interface ConnectionSweep {
  readonly connectionId: ConnectionId;
  readonly directory: Directory;
  /** Where the directory is, and how it may be asked; null: without limits. */
  readonly place?: DirectoryPlace | null;
  readonly mode: SweepMode;
  readonly everyMs: number;
  readonly planExpiresMs: number;
  /** How long after a plan was held somebody is told again; left out: never. */
  readonly escalateMs?: readonly number[];
  readonly policy: SweepPolicy;
  readonly limits: BrakeLimits;
  readonly privilegedRoles: ReadonlySet<string>;
  /** Fingerprint of what decides scope and roles: a plan made under another one is void. */
  readonly configuration: string;
}

/**
 * The sweep of each connection that has one, in the order of the configuration.
 *
 * @param db where the requests to a directory are paced; null: they are not.
 */
export function connectionSweeps(
  config: Config,
  env: Environment,
  db: Database | null = null,
): readonly ConnectionSweep[] {
  return config.connections.flatMap((connection) => sweepOf(config, connection, env, db) ?? []);
}

/**
 * The sweep of one connection.
 * Throws `sweep.no_such_connection` and `sweep.not_configured`.
 */
export function connectionSweep(
  config: Config,
  id: string,
  env: Environment,
  db: Database | null = null,
): ConnectionSweep {
  const connection = config.connections.find((one) => one.id === id);
  if (connection === undefined) {
    throw new AppError('sweep.no_such_connection', `There is no connection ${id.slice(0, 80)}.`, {
      detail: { expected: config.connections.map((one) => one.id), received: id.slice(0, 80) },
    });
  }
  const sweep = sweepOf(config, connection, env, db);
  if (sweep !== null) return sweep;
  throw new AppError(
    'sweep.not_configured',
    `Connection ${id} is not swept: it needs sweep, and a directory or sweep.silence.`,
    {
      detail: {
        expected: 'a sweep, with a directory or silence',
        received: { directory: connection.directory.type, sweep: connection.sweep !== null },
      },
    },
  );
}

function sweepOf(
  config: Config,
  connection: ConnectionConfig,
  env: Environment,
  db: Database | null,
): ConnectionSweep | null {
  const { sweep } = connection;
  if (sweep === null) return null;
  const place = placeOf(connection.directory, config.connections);
  const asked = openDirectory(
    connection.directory,
    (reference) => resolveSecret(reference, env),
    db === null ? null : sharedPace(db, place),
  );
  if (asked === null && sweep.silence === null) return null;
  const directory = asked ?? noDirectory();
  return {
    connectionId: connection.id,
    directory,
    place,
    mode: sweep.mode,
    everyMs: sweep.everyMs,
    planExpiresMs: sweep.planExpiresMs,
    escalateMs: sweep.escalateMs,
    policy: {
      connectionId: connection.id,
      confirmAfterMs: sweep.confirmAfterMs,
      ...(sweep.silence === null ? {} : { silence: { ...sweep.silence, alone: asked === null } }),
      ...(directory.capabilities.lookUp || asked === null
        ? {}
        : { misses: { needed: sweep.misses, apartMs: sweep.missesApartMs } }),
      protectedSubjects: new Set(
        config.protect
          .filter((entry) => entry.connection === connection.id)
          .map((entry) => entry.subject),
      ),
      roles: {
        mode: connection.roles,
        rules: config.roles,
        aliases: connection.groupAliases,
        defaultRole: config.defaultRole,
      },
    },
    limits: configuredLimits(config, sweep),
    privilegedRoles: privilegedRoles(config.roles),
    configuration: configFingerprint(connection, config),
  };
}
