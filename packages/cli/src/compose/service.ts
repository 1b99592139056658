import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { JitAuth } from '@rollcall/jit-auth';
import { loadConfig } from '@rollcall/shared/config/load';
import type { Config, Environment } from '@rollcall/shared/config/types';
import { migrate } from '@rollcall/shared/db/migrate';
import { type Foundation, openFoundation } from '@rollcall/shared/engine/foundation';
import { createLog, type Log } from '@rollcall/shared/telemetry/log';
import { bareApp } from './bare-app.ts';
import { Closers } from './closers.ts';
import { findConfiguration, noConfiguration } from './configuration.ts';
import { openDemo } from './demo/open-demo.ts';
import { loadDemoParts } from './demo/parts.ts';
import { LOG_FILE, openLogFile } from './log-file.ts';
import type { ServiceRole } from './service-role.ts';
import { openStateFolder, STATE_FOLDER } from './state-folder.ts';
import { listen, type WebServer } from './web-server.ts';

/** What `rollcall start` was asked for. */
export interface ServiceOptions {
  readonly role: ServiceRole;
  /** The value of `--config`; null where it was left out. */
  readonly config: string | null;
  /** The value of `--port`; null where it was left out. */
  readonly port: number | null;
  readonly workingDirectory: string;
  readonly env: Environment;
  readonly verbose: boolean;
  /** Told, in a few words, what takes time. */
  readonly onProgress: (line: string) => void;
}

/** A service that runs. */
export interface Service {
  readonly role: ServiceRole;
  readonly config: Config;
  /** Where the web half listens, as `host:port`; null for a worker. */
  readonly listens: string | null;
  /** The demo's identity provider; null where there is a configuration, or no web half. */
  readonly demo: { readonly idpUrl: string } | null;
  /** Where the log goes, for people; null for standard output. */
  readonly logFile: string | null;
  readonly log: Log;
  /** Stops in the reverse order of the start. May be called twice. */
  stop(): Promise<void>;
}

/** What the two ways of starting have in common once the configuration is known. */
interface Prepared {
  readonly configPath: string;
  readonly config: Config;
  readonly server: WebServer | null;
  readonly host: string;
  readonly demo: Service['demo'];
  readonly logFile: string | null;
  readonly log: Log;
  readonly buildApp: (auth: JitAuth) => RequestListener;
}

/**
 * Starts the service: address, configuration, database, migrations, engine, web,
 * worker. Whatever was open when one of them fails is closed again.
 * Throws everything that its parts throw.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const closers = new Closers();
  try {
    const source = findConfiguration(options.config, options.workingDirectory);
    const prepared =
      source.kind === 'file'
        ? await prepareConfigured(options, source.path, closers)
        : await prepareDemo(options, source, closers);
    const { log } = prepared;
    await openHalves(options, prepared, closers);
    const stop = (): Promise<void> =>
      closers.close((part, error) => log.error({ event: 'service.stop_failed', part, err: error }));
    const { config, host, server, demo, logFile } = prepared;
    const listens = server === null ? null : `${host}:${server.port}`;
    log.info({
      event: 'service.started',
      role: options.role,
      listens,
      public_url: config.publicUrl,
    });
    return { role: options.role, config, listens, demo, logFile, log, stop };
  } catch (error) {
    await closers.close(() => undefined);
    throw error;
  }
}

async function prepareConfigured(
  options: ServiceOptions,
  configPath: string,
  closers: Closers,
): Promise<Prepared> {
  const config = await loadConfig(configPath, options.env);
  const log = createLog(options.verbose ? 'debug' : 'info');
  const { host } = config.listen;
  let server: WebServer | null = null;
  if (options.role !== 'worker') {
    const port = options.port ?? config.listen.port;
    server = await listen(host, port, 'stop the program that holds it, or set listen or --port');
    closers.add('the web server', server.close);
  }
  const buildApp: Prepared['buildApp'] = (auth) => bareApp(auth, config);
  return { configPath, config, server, host, demo: null, logFile: null, log, buildApp };
}

async function prepareDemo(
  options: ServiceOptions,
  source: { readonly path: string; readonly written: boolean },
  closers: Closers,
): Promise<Prepared> {
  const parts = await loadDemoParts(options.workingDirectory);
  if (options.role === 'worker' && !source.written) throw noConfiguration(options.workingDirectory);
  const folder = await openStateFolder(options.workingDirectory);
  const file = await openLogFile(folder, options.verbose);
  closers.add('the log', file.close);
  const demo =
    options.role === 'worker'
      ? null
      : await openDemo({ parts, folder, port: options.port, closers });
  const directoryUrl = demo?.idp.url ?? null;
  return {
    configPath: source.path,
    config: await loadConfig(source.path, options.env),
    server: demo?.server ?? null,
    host: '127.0.0.1',
    demo: demo === null ? null : { idpUrl: demo.idp.url },
    logFile: join(STATE_FOLDER, LOG_FILE),
    log: file.log,
    buildApp: (auth) => parts.demoApp(auth, { directoryUrl }),
  };
}

/** Everything from the database on. A half that is not asked for is not even loaded. */
async function openHalves(
  options: ServiceOptions,
  prepared: Prepared,
  closers: Closers,
): Promise<void> {
  const { config, log } = prepared;
  const { env, onProgress } = options;
  const foundation = await openFoundation(config, { env, onProgress });
  closers.add('the database', () => foundation.close());
  const applied = await migrate(foundation.pool);
  if (applied.length > 0) log.info({ event: 'database.migrated', applied });
  await openWeb(prepared, foundation, env, closers);
  if (options.role === 'web') return;
  const { sweeper } = await import('@rollcall/sweeper');
  const worker = await sweeper(prepared.configPath, { foundation, env, log });
  closers.add('the worker', () => worker.stop());
  await worker.start();
}

async function openWeb(
  { configPath, server, log, buildApp }: Prepared,
  foundation: Foundation,
  env: Environment,
  closers: Closers,
): Promise<void> {
  if (server === null) return;
  const { jitAuth } = await import('@rollcall/jit-auth');
  const auth = await jitAuth(configPath, { foundation, env, log });
  closers.add('the sign-in', () => auth.close());
  server.serve(buildApp(auth));
  // Again, so that requests end before what they need is closed.
  closers.add('the web server', server.close);
}
