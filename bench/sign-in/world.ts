import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIdentityProviders } from '@rollcall/jit-auth/connections/identity-providers';
import { openSecondOpinion } from '@rollcall/jit-auth/saml/open-second-opinion';
import { NO_KEYS } from '@rollcall/jit-auth/saml/own-keys';
import { type SamlConnection, samlConnection } from '@rollcall/jit-auth/saml/saml-connection';
import { openConnections, type SignInConnection } from '@rollcall/jit-auth/sign-in-connection';
import { validateConfig } from '@rollcall/shared/config/load';
import type { Config } from '@rollcall/shared/config/types';
import { migrate } from '@rollcall/shared/db/migrate';
import { type Foundation, openFoundation } from '@rollcall/shared/engine/foundation';
import { createLog } from '@rollcall/shared/telemetry/log';
import { createSigningIdp, groupName, type SigningIdp } from './identity-provider.ts';
import { warmPool } from './warm-pool.ts';

/** All that a sign-in needs, as the service has it: a durable Postgres, one connection. */
export interface SignInWorld {
  readonly idp: SigningIdp;
  /** The whole sign-in, as the service does it: verification, decision, transaction. */
  readonly signIn: SignInConnection;
  /** The same with the second verifier on the main thread. */
  readonly signInOnOneThread: SignInConnection;
  readonly threads: number;
  /** The same connection, for verification alone. */
  readonly saml: SamlConnection;
  readonly postgres: string;
  readonly config: Config;
  close(): Promise<void>;
}

const PUBLIC_URL = 'https://auth.example.com';

/** Opens it in a folder of its own, which goes away with it. */
export async function openSignInWorld(): Promise<SignInWorld> {
  const stateDir = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const removeState = () => rm(stateDir, { recursive: true, force: true });
  const idp = await createSigningIdp();
  const config = configOf(idp);
  const foundation = await openFoundation(config, { stateDir, env: {} }).catch(async (error) => {
    await removeState();
    throw error;
  });
  const close = async () => {
    await foundation.close();
    await removeState();
  };
  try {
    const { endThreads, ...connected } = await connect(config, foundation);
    const closeAll = async () => {
      await endThreads();
      await close();
    };
    return { idp, config, ...connected, close: closeAll };
  } catch (error) {
    await close();
    throw error;
  }
}

async function connect(config: Config, foundation: Foundation) {
  await migrate(foundation.pool);
  await warmPool(foundation.pool);
  const log = createLog('silent');
  const { db } = foundation;
  const identityProviders = await openIdentityProviders(config.connections, { db, log });
  const deps = { env: {}, log, identityProviders };
  const threads = availableParallelism();
  const second = openSecondOpinion({ threads }, log);
  const signIn = (await openConnections(config, foundation, { ...deps, second })).get('acme');
  const signInOnOneThread = (await openConnections(config, foundation, deps)).get('acme');
  const [settings] = config.connections;
  if (signIn === undefined || signInOnOneThread === undefined || settings === undefined) {
    throw new Error('expected connection acme');
  }
  const live = identityProviders.of(settings.id);
  const { rows } = await foundation.pool.query<{ server_version: string }>('show server_version');
  return {
    signIn,
    signInOnOneThread,
    threads,
    endThreads: () => second.close(),
    saml: samlConnection(settings, live, NO_KEYS, config.publicUrl),
    postgres: rows[0]?.server_version ?? 'unknown',
  };
}

function configOf(idp: SigningIdp): Config {
  return validateConfig({
    version: 1,
    public_url: PUBLIC_URL,
    session: { keys: ['env:SESSION_KEY'] },
    connections: [
      {
        id: 'acme',
        idp: { metadata: idp.metadata },
        subject: { attribute: 'uid' },
        attributes: {
          email: 'email',
          given_name: 'firstName',
          family_name: 'lastName',
          groups: ['groups'],
        },
      },
    ],
    roles: [
      { role: 'analyst', when: { any_group: [groupName(3)] } },
      { role: 'editor', when: { any_group: [groupName(7), 'BI-Editors'] } },
      { role: 'reader', when: { any_group: ['CN=BI-Department-*'] } },
      { role: 'finance', when: { all_groups: [groupName(1), groupName(2)] } },
      { role: 'admin', privileged: true, when: { any_group: ['BI-Admins'] }, from: ['acme'] },
    ],
  });
}
