import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { demoApp } from '@rollcall/demo-app';
import { type DemoIdp, startDemoIdp } from '@rollcall/demo-idp';
import { createSigningKey } from '@rollcall/demo-idp/signing-key';
import { type JitAuth, jitAuth } from '@rollcall/jit-auth';
import type { ConfigInput } from '@rollcall/shared/config/types';
import { createLog } from '@rollcall/shared/telemetry/log';
import { type FreshDatabase, freshDatabase } from '../setup/database.ts';
import { type Engine, type FreshRedis, redisOrNull } from '../setup/redis.ts';

/** Ids of the people of the demo IdP that tests speak of. */
export const ADA = 'p_7f3a91c2';
export const GRACE = 'p_2b86e05d';
export const ALAN = 'p_c41d7e98';
export const KATHERINE = 'p_95e0b3a7';
export const HEDY = 'p_0d72f4b6';
export const EMILIE = 'p_4ac6280e';
export const CHARLES = 'p_b3507da1';

/** One web instance of the sample app, mounted through the plugin. */
export interface Instance {
  readonly url: string;
  readonly auth: JitAuth;
  close(): Promise<void>;
}

/** The whole story on real parts: database, engine, demo IdP, one web instance. */
export interface Stack {
  readonly fresh: FreshDatabase;
  readonly redis: FreshRedis | null;
  readonly idp: DemoIdp;
  readonly web: Instance;
  readonly config: ConfigInput;
  readonly env: Record<string, string>;
  /** Everything that was logged, one JSON line each. */
  readonly logged: string[];
  /** Another web instance on the same database and engine, behind the same public URL. */
  another(): Promise<Instance>;
  close(): Promise<void>;
}

/** What of the configuration a test changes. */
export interface StackOptions {
  readonly engine?: Engine;
  readonly sweep?: Record<string, unknown>;
  readonly more?: (config: Record<string, unknown>) => void;
  /** Gives the service a key of its own, so that it takes part in single logout. */
  readonly ownKey?: boolean;
}

/** Starts it; `close` in `afterAll`. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const fresh = await freshDatabase();
  const redis = options.engine === 'redis' ? await redisOrNull() : null;
  if (options.engine === 'redis' && redis === null) throw new Error('no Redis is to be had');
  const idp = await startDemoIdp({ serviceProviders: [] });
  const server = await listen();
  const url = urlOf(server);
  const own = options.ownKey === true ? await createSigningKey(Date.now(), 'Insights') : null;
  idp.registerServiceProvider({
    entityId: `${url}/saml/demo/metadata`,
    acsUrl: `${url}/saml/demo/acs`,
    sloUrl: `${url}/saml/demo/logout`,
    certificates: own === null ? [] : [own.certificate],
    name: 'Insights',
  });
  const env = {
    SESSION_KEY: 'a session key that is only for tests, 0123456789',
    SCIM_TOKEN: idp.scimToken,
    DATABASE_URL: fresh.url,
    ...(redis === null ? {} : { REDIS_URL: redis.url }),
    ...(own === null ? {} : { OWN_KEY: `${own.key}${own.certificate}` }),
  };
  const config = configOf(url, idp, options);
  const logged: string[] = [];
  const web = await mount(server, config, env, logged);
  const others: Instance[] = [];
  return {
    fresh,
    redis,
    idp,
    web,
    config,
    env,
    logged,
    another: async () => {
      const instance = await mount(await listen(), config, env, logged);
      others.push(instance);
      return instance;
    },
    close: async () => {
      for (const instance of [web, ...others]) await instance.close();
      await idp.close();
      await redis?.release();
      await fresh.drop();
    },
  };
}

function configOf(url: string, idp: DemoIdp, options: StackOptions): ConfigInput {
  const config = {
    version: 1,
    public_url: url,
    session: { keys: ['env:SESSION_KEY'] },
    ...(options.ownKey === true ? { saml: { signing: ['env:OWN_KEY'] } } : {}),
    connections: [
      {
        id: 'demo',
        idp: { metadata: idp.metadata() },
        subject: { attribute: 'uid' },
        attributes: {
          email: 'email',
          given_name: 'firstName',
          family_name: 'lastName',
          groups: ['groups'],
        },
        directory: {
          type: 'scim',
          url: idp.scimUrl,
          token: 'env:SCIM_TOKEN',
          assignment_group: 'Analytics App',
          timeout: '2s',
        },
        sweep: { every: '7d', mode: 'auto', confirm_after: '1s', ...options.sweep },
      },
    ],
    roles: [
      { role: 'analyst', when: { any_group: ['BI-Analysts'] } },
      { role: 'editor', when: { any_group: ['BI-Editors'] } },
      { role: 'finance', when: { all_groups: ['Finance-Team'] } },
      { role: 'admin', privileged: true, when: { any_group: ['BI-Admins'] }, from: ['demo'] },
    ],
  };
  options.more?.(config);
  return config as ConfigInput;
}

async function mount(
  server: Server,
  config: ConfigInput,
  env: Record<string, string>,
  logged: string[],
): Promise<Instance> {
  const log = createLog('debug', { write: (line: string) => void logged.push(line) });
  const auth = await jitAuth(config, { env, log });
  server.on('request', demoApp(auth, { directoryUrl: null }));
  return {
    url: urlOf(server),
    auth,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await auth.close();
    },
  };
}

async function listen(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: Server): string {
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}
