import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ScimHealth } from '@rollcall/jit-auth/scim/http/scim-health';
import type { ScimAllowance } from '@rollcall/jit-auth/scim/http/scim-rate';
import { scimRoutes } from '@rollcall/jit-auth/scim/http/scim-routes';
import { RequestLog } from '@rollcall/jit-auth/scim/log/request-log';
import { hashSecret, newSecret } from '@rollcall/jit-auth/scim/tokens/secret';
import { readConfig } from '@rollcall/shared/config/load';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { type ConnectionId, type ScimTokenId, toConnectionId } from '@rollcall/shared/core/ids';
import { registerConnection } from '@rollcall/shared/db/connections';
import { type Database, overPool } from '@rollcall/shared/db/database';
import { insertScimToken, type ScimToken } from '@rollcall/shared/db/scim-tokens';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Engine } from '@rollcall/shared/engine/engine';
import { createLog } from '@rollcall/shared/telemetry/log';
import express from 'express';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';

export const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const CORE_GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

/** An answer, its body read as JSON; `{}` where it had none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReturnType<JSON['parse']>;
  readonly text: string;
}

/** A SCIM client with a token. */
export interface ScimClient {
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  patch(path: string, operations: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** POST of a user who needs no more than a name; answers with the id. */
  user(userName: string, more?: object): Promise<string>;
  /** POST of a group; answers with the id. */
  group(displayName: string, members?: readonly string[], more?: object): Promise<string>;
}

/** One SCIM server on one database: what a test file needs, once. */
export interface ScimScene {
  readonly fresh: FreshDatabase;
  readonly db: Database;
  readonly url: string;
  readonly logged: string[];
  /** As it may be written. */
  readonly config: ConfigInput;
  readonly health: ScimHealth;
  readonly requestLog: RequestLog;
  /** A client of the connection `acme`. */
  readonly acme: ScimClient;
  client(secret: string): ScimClient;
  /** Makes a token and answers with its secret. */
  token(connection: string, more?: Partial<ScimToken>): Promise<string>;
  close(): Promise<void>;
}

/** What of the configuration a test changes. */
export interface ScimSceneOptions {
  readonly more?: (config: Record<string, unknown>) => void;
  readonly allowance?: ScimAllowance;
  readonly engine?: Engine;
}

/** Opens it; `close` in `afterAll`. */
export async function openScim(options: ScimSceneOptions = {}): Promise<ScimScene> {
  const fresh = await freshDatabase();
  const db = overPool(fresh.pool);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const written = configOf(origin, options);
  const config = await readConfig(written, {});
  for (const { id } of config.connections) {
    await registerConnection(db, id, `https://${id}.example`, currentTime());
  }
  const logged: string[] = [];
  const log = createLog('debug', { write: (line: string) => void logged.push(line) });
  const { more: _more, ...parts } = options;
  const keys = ['a session key that is only for tests, 0123456789'];
  const health = new ScimHealth(db, log);
  const requestLog = new RequestLog(db, log);
  const context = { db, config, keys, log, health, requestLog, ...parts };
  server.on('request', express().use(scimRoutes(context)));
  const url = `${origin}/scim/v2`;
  const token: ScimScene['token'] = (connection, more) =>
    makeToken(db, toConnectionId(connection), more);
  return {
    fresh,
    db,
    url,
    logged,
    config: written,
    health,
    requestLog,
    token,
    client: (secret) => scimClient(url, secret),
    acme: scimClient(url, await token('acme')),
    close: async () => {
      await closeServer(server);
      await Promise.all([requestLog.write(), health.write()]);
      await fresh.drop();
    },
  };
}

function configOf(origin: string, options: ScimSceneOptions): ConfigInput {
  const connection = (id: string) => ({
    id,
    idp: { metadata_url: `https://${id}.example/metadata` },
    subject: { attribute: 'uid' },
    attributes: { email: 'email', groups: ['groups'] },
    provisioning: 'both',
  });
  const config: Record<string, unknown> = {
    version: 1,
    public_url: origin,
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      connection('acme'),
      connection('globex'),
      { ...connection('jit'), provisioning: 'jit' },
    ],
    roles: [
      { role: 'analyst', when: { any_group: ['BI-Analysts', 'bi:*'] } },
      { role: 'finance', when: { any_group: ['Finance'], attributes: { department: 'Finance' } } },
      { role: 'editor', when: { attributes: { roles: 'editor' } } },
      { role: 'admin', privileged: true, when: { any_group: ['BI-Admins'] }, from: ['acme'] },
    ],
  };
  options.more?.(config);
  return config as ConfigInput;
}

async function makeToken(
  db: Database,
  connectionId: ConnectionId,
  more: Partial<ScimToken> = {},
): Promise<string> {
  const secret = newSecret();
  await db.transaction().execute((tx) =>
    insertScimToken(tx, {
      id: randomUUID() as ScimTokenId,
      connectionId,
      name: 'test',
      secretHash: hashSecret(secret),
      createdAt: currentTime(),
      createdBy: 'test',
      expiresAt: null,
      networks: [],
      ...more,
    }),
  );
  return secret;
}

/** A client of a SCIM server at this base address. */
export function scimClient(base: string, secret: string): ScimClient {
  const send: ScimClient['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? {} : JSON.parse(text),
    };
  };
  const post: ScimClient['post'] = (path, body) => send('POST', path, body);
  const made = async (path: string, body: object): Promise<string> => {
    const answer = await post(path, body);
    if (answer.status !== 201)
      throw new Error(`${path} was answered ${answer.status}: ${answer.text}`);
    return answer.body.id as string;
  };
  return {
    send,
    post,
    get: (path, headers) => send('GET', path, undefined, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, operations, headers) =>
      send('PATCH', path, { schemas: [PATCH_OP], Operations: operations }, headers),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
    user: (userName, more) => made('/Users', { schemas: [CORE_USER], userName, ...more }),
    group: (displayName, members = [], more = {}) =>
      made('/Groups', {
        schemas: [CORE_GROUP],
        displayName,
        members: members.map((value) => ({ value })),
        ...more,
      }),
  };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
