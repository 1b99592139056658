import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { DemoIdp } from '@rollcall/demo-idp/main';
import { serviceProvider } from '@rollcall/jit-auth/saml/saml-connection';
import { MIN_SESSION_KEY_LENGTH } from '@rollcall/shared/config/secrets';
import { toConnectionId } from '@rollcall/shared/core/ids';
import { currentTime } from '@rollcall/shared/db/timestamp';
import type { Closers } from '../closers.ts';
import { DEMO_CONFIG_FILE } from '../configuration.ts';
import { makePrivate, readStateFile, writeStateFile } from '../state-folder.ts';
import { listen, type WebServer } from '../web-server.ts';
import { DEMO_CONNECTION, DEMO_FILES, demoConfiguration } from './configuration.ts';
import type { DemoParts } from './parts.ts';
import { type DemoPorts, preferredPorts, rememberPorts, takeFreePort } from './ports.ts';
import { becomeTheDemo } from './running.ts';

/** The identity provider of the demo, and the address that the app will be served at. */
export interface Demo {
  readonly idp: DemoIdp;
  readonly server: WebServer;
  readonly publicUrl: string;
}

/** What a demo is opened with. */
export interface DemoOptions {
  readonly parts: DemoParts;
  /** The folder of state. */
  readonly folder: string;
  /** The port of `--port`; null lets the demo choose. */
  readonly port: number | null;
  readonly closers: Closers;
}

/**
 * The name by which Rollcall knows the demo IdP. It does not follow the port: a
 * connection may never come to mean another identity provider.
 */
const ENTITY_ID = 'urn:rollcall:demo-idp';
const HOST = '127.0.0.1';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;

/**
 * Starts the demo IdP, takes the app's address and writes `demo.yaml`.
 * Throws `demo.…`, `demo_idp.…`, `state.unwritable` and `web.…`.
 */
export async function openDemo(options: DemoOptions): Promise<Demo> {
  const { folder, closers } = options;
  closers.add('the place of the demo', await becomeTheDemo(folder));
  const preferred = await preferredPorts(folder);
  const server = await takeWebPort(options, preferred);
  closers.add('the web server', () => server.close());
  const publicUrl = `http://localhost:${server.port}`;
  const certificate = await keepSigningKey(options.parts, folder);
  const idp = await startIdp(options, preferred.idp, server.port, { publicUrl, certificate });
  closers.add('the demo IdP', () => idp.close());
  const web = options.port === null ? server.port : preferred.web;
  await rememberPorts(folder, { web, idp: idp.port });
  await writeDemoFiles(folder, idp, server.port);
  return { idp, server, publicUrl };
}

/**
 * Writes the demo's configuration without running it, for commands that need one
 * before its first start. Throws as {@link openDemo} does.
 */
export async function prepareDemo(parts: DemoParts, folder: string): Promise<void> {
  const { web, idp: port } = await preferredPorts(folder);
  const idp = await parts.startDemoIdp({
    stateFile: join(folder, 'demo-idp.json'),
    publicUrl: `http://localhost:${port}`,
    entityId: ENTITY_ID,
    serviceProviders: [],
  });
  try {
    await keepSigningKey(parts, folder);
    await writeDemoFiles(folder, { ...idp, port }, web);
  } finally {
    await idp.close();
  }
}

function takeWebPort({ port }: DemoOptions, preferred: DemoPorts): Promise<WebServer> {
  const advice = 'stop the program that holds it, or choose another with --port';
  if (port !== null) return listen(HOST, port, advice);
  return takeFreePort(preferred.web, preferred.idp, 'web.port_taken', (free) =>
    listen(HOST, free, advice),
  );
}

function startIdp(
  { parts, folder }: DemoOptions,
  preferred: number,
  webPort: number,
  { publicUrl, certificate }: { readonly publicUrl: string; readonly certificate: string },
): Promise<DemoIdp> {
  const names = serviceProvider(publicUrl, toConnectionId(DEMO_CONNECTION));
  return takeFreePort(preferred, webPort, 'demo_idp.port_taken', (port) =>
    parts.startDemoIdp({
      host: HOST,
      port,
      publicUrl: `http://localhost:${port}`,
      entityId: ENTITY_ID,
      stateFile: join(folder, 'demo-idp.json'),
      serviceProviders: [{ ...names, certificates: [certificate], name: 'Insights' }],
    }),
  );
}

async function writeDemoFiles(
  folder: string,
  idp: Pick<DemoIdp, 'metadata' | 'scimToken' | 'port'>,
  webPort: number,
): Promise<void> {
  await keepSessionKey(folder);
  await writeStateFile(folder, DEMO_FILES.metadata, idp.metadata());
  await writeStateFile(folder, DEMO_FILES.scimToken, `${idp.scimToken}\n`);
  const text = demoConfiguration({
    publicUrl: `http://localhost:${webPort}`,
    listen: `${HOST}:${webPort}`,
    // By number: what `localhost` means is for browsers to find out.
    scimUrl: `http://${HOST}:${idp.port}/scim/v2`,
  });
  await writeStateFile(folder, DEMO_CONFIG_FILE, text);
}

/** Sessions outlive a restart, so the key is made once. */
async function keepSessionKey(folder: string): Promise<void> {
  const found = await readStateFile(folder, DEMO_FILES.sessionKey);
  if (found !== null && found.trim().length >= MIN_SESSION_KEY_LENGTH) {
    await makePrivate(folder, DEMO_FILES.sessionKey);
    return;
  }
  await writeStateFile(folder, DEMO_FILES.sessionKey, `${randomBytes(32).toString('base64url')}\n`);
}

/** The key that signs our requests to sign out, made once; answers with its certificate, PEM. */
async function keepSigningKey({ createSigningKey }: DemoParts, folder: string): Promise<string> {
  const found = await readStateFile(folder, DEMO_FILES.signingKey);
  const kept = CERTIFICATE.exec(found ?? '')?.[0];
  if (kept !== undefined && found?.includes('PRIVATE KEY-----') === true) {
    await makePrivate(folder, DEMO_FILES.signingKey);
    return kept;
  }
  const { key, certificate } = await createSigningKey(currentTime(), 'Insights');
  await writeStateFile(folder, DEMO_FILES.signingKey, `${key}${certificate}`);
  return certificate;
}
