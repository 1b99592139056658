import * as z from 'zod';
import {
  type ConnectionId,
  faultOfImmutableId,
  type Subject,
  toConnectionId,
  toSubject,
} from '../core/ids.ts';
import { connectionSchema } from './schema/connection.ts';
import {
  count,
  duration,
  expecting,
  flag,
  list,
  mapping,
  type Reading,
  textAs,
} from './schema/fields.ts';
import { notifySchema } from './schema/notify.ts';
import { ownKeysSchema } from './schema/own-keys.ts';
import { secretReference, serverUrl } from './schema/references.ts';
import { retentionSchema } from './schema/retention.ts';
import { roleName, roleRuleSchema } from './schema/roles.ts';
import { scimSchema } from './schema/scim.ts';
import { overAllLimitsSchema } from './schema/sweep.ts';
import { targetsSchema } from './schema/targets.ts';
import { listenAddress, publicUrl } from './schema/urls.ts';

/** A subject that no sweep and no sign-in may take access from. */
export interface ProtectedSubject {
  readonly connection: ConnectionId;
  readonly subject: Subject;
}

/**
 * The shape of a configuration: snake_case in, camelCase out, every default
 * filled in, durations as milliseconds. What one key says about another is
 * checked in `relations.ts`.
 *
 * @param baseDir the folder from which relative paths are taken.
 */
export function configSchema(baseDir: string) {
  return mapping({
    version: z.literal(1, { error: versionMessage }),
    public_url: publicUrl(),
    listen: listenAddress().prefault('127.0.0.1:3000'),
    database: mapping({ url: serverUrl('postgres', baseDir).optional() }).prefault({}),
    redis: mapping({ url: serverUrl('redis', baseDir).optional() }).prefault({}),
    session: sessionSchema(baseDir),
    saml: ownKeysSchema(baseDir).prefault({}),
    verification: mapping({ threads: count(0, 64).optional() }).prefault({}),
    login: mapping({ show_connections: flag().default(true) }).prefault({}),
    admin: mapping({
      tokens: list(secretReference(baseDir), 'a list of references').default([]),
    }).prefault({}),
    connections: list(connectionSchema(baseDir), 'a list of at least one connection', 1),
    roles: list(roleRuleSchema(), 'a list of rules').default([]),
    default_role: roleName().prefault('none'),
    protect: list(protectedSubject(), 'a list of connection:subject').default([]),
    targets: targetsSchema(baseDir).default([]),
    retention: retentionSchema().prefault({}),
    scim: scimSchema().prefault({}),
    notify: notifySchema(baseDir).default([]),
    limits: overAllLimitsSchema().prefault({}),
  }).transform((raw) => ({
    version: raw.version,
    /** An origin: no slash at the end. */
    publicUrl: raw.public_url,
    listen: raw.listen,
    /** A null URL: the embedded database. */
    database: { url: raw.database.url ?? null },
    /** A null URL: Postgres serves queue and sessions. */
    redis: { url: raw.redis.url ?? null },
    session: raw.session,
    /** Our own keys, for every connection that names none of its own. */
    saml: raw.saml,
    /** Null: as many as the machine has cores for. 0: none, all on the main thread. */
    verification: { threads: raw.verification.threads ?? null },
    /** The sign-in page: whether people see which connections there are. */
    login: { showConnections: raw.login.show_connections },
    admin: raw.admin,
    connections: raw.connections,
    roles: raw.roles,
    /** Null: whoever matches no rule is refused. */
    defaultRole: raw.default_role === 'none' ? null : raw.default_role,
    protect: raw.protect,
    retention: raw.retention,
    scim: raw.scim,
    targets: raw.targets,
    notify: raw.notify,
    limits: raw.limits,
  }));
}

function sessionSchema(baseDir: string) {
  return mapping({
    idle: duration('1s', '30d').prefault('30m'),
    max: duration('1s', '30d').prefault('8h'),
    keys: list(
      secretReference(baseDir),
      'a list of at least one reference (env:NAME or file:/path)',
      1,
    ),
  }).transform((session) => ({
    idleMs: session.idle,
    maxMs: session.max,
    /** Newest first: the first signs, all verify. */
    keys: session.keys,
  }));
}

function protectedSubject() {
  return textAs('connection:subject', (text): Reading<ProtectedSubject> => {
    const colon = text.indexOf(':');
    const [connection, subject] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
    if (colon < 1 || !/^[a-z0-9][a-z0-9-]{0,62}$/.test(connection)) {
      return { ok: false, wrong: 'expected connection:subject, such as acme:00u1a2b3' };
    }
    const fault = faultOfImmutableId(subject);
    if (fault !== null) {
      const wrong = `expected a subject of 1 to 256 printable characters after "${connection}:", received one that is ${fault.replaceAll('_', ' ')}`;
      return { ok: false, wrong };
    }
    return {
      ok: true,
      value: { connection: toConnectionId(connection), subject: toSubject(subject) },
    };
  });
}

function versionMessage(issue: { readonly input?: unknown }): string {
  if (typeof issue.input !== 'number') return expecting('the number 1')(issue);
  return `expected 1, the only version of this format, received ${issue.input}`;
}
