import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '@rollcall/shared/config/types';
import type pg from 'pg';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/** A worker in a process of its own. */
export interface FleetWorker {
  readonly name: string;
  readonly process: ChildProcess;
  /** The lines of its log, parsed. */
  readonly logged: Readonly<Record<string, unknown>>[];
  /** Sends a signal and waits for the end; answers with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Where a fleet works. */
export interface FleetPlace {
  readonly databaseUrl: string;
  readonly redisUrl: string | null;
  readonly directoryUrl: string;
  readonly connections: readonly string[];
  readonly sweep?: Readonly<Record<string, unknown>>;
  /** Keys of `directory` beside its URL and token. */
  readonly directory?: Readonly<Record<string, unknown>>;
}

/** The configuration of a worker of a fleet. */
export function fleetConfig(place: FleetPlace): ConfigInput {
  const config = {
    version: 1,
    public_url: 'http://localhost:3000',
    database: { url: 'env:FLEET_DATABASE' },
    ...(place.redisUrl === null ? {} : { redis: { url: 'env:FLEET_REDIS' } }),
    session: { keys: ['env:FLEET_KEY'] },
    connections: place.connections.map((id) => ({
      id,
      idp: { metadata_url: 'https://idp.example/metadata' },
      subject: { attribute: 'uid' },
      directory: {
        type: 'scim',
        url: `${place.directoryUrl}/${id}/scim/v2`,
        token: 'env:FLEET_WORKER',
        page_size: 3,
        ...place.directory,
      },
      sweep: { every: '7d', mode: 'auto', confirm_after: '1s', ...place.sweep },
    })),
    roles: [
      { role: 'analyst', when: { any_group: ['analysts'] } },
      { role: 'editor', when: { any_group: ['editors'] } },
    ],
  };
  return config as ConfigInput;
}

/** The environment of a worker of that name. */
export function fleetEnv(place: FleetPlace, name: string): Record<string, string> {
  return {
    FLEET_DATABASE: place.databaseUrl,
    FLEET_REDIS: place.redisUrl ?? '',
    FLEET_KEY: 'k'.repeat(40),
    FLEET_WORKER: name,
  };
}

/** Starts a worker of a fleet. */
export function startWorker(place: FleetPlace, name: string): FleetWorker {
  const args = ['--conditions=source', WORKER, JSON.stringify(fleetConfig(place))];
  const env = { ...process.env, ...fleetEnv(place, name) };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const logged: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) logged.push(JSON.parse(line));
  });
  return {
    name,
    process: child,
    logged,
    end: async (signal) => {
      process.off('exit', endWithUs);
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return ended;
    },
  };
}

/** Lets people of each connection have signed in, months ago, with the role of their group. */
export async function admitPeople(
  pool: pg.Pool,
  connections: readonly string[],
  each: number,
): Promise<void> {
  await pool.query(
    `insert into connections (id, entity_id, first_seen_at)
     select id, 'https://idp.example/' || id, now() - interval '1 year' from unnest($1::text[]) as id`,
    [connections],
  );
  await pool.query(
    `insert into users (id, connection_id, subject, directory_id, owner, state, state_changed_at,
                        groups, groups_seen_at, created_at, last_assertion_at)
     select gen_random_uuid(), id, id || '-' || n, id || '-' || n, 'roll', 'active', at, '{analysts}', at, at, at
       from unnest($1::text[]) as id, generate_series(1, $2::int) as n,
            (select now() - interval '90 days' as at) as long_ago`,
    [connections, each],
  );
  await pool.query(
    `insert into grants (user_id, role, connection_id, channel, seen_in, privileged, because,
                         first_seen_at, last_seen_at)
     select id, 'analyst', connection_id, 'roll', 'assertion', false, '[]', created_at, created_at
       from users`,
  );
}
