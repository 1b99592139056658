import { createServer, type Server } from 'node:http';
import { createApp } from './app.ts';
import { Directory } from './directory.ts';
import { DemoIdpError } from './errors.ts';
import { renderMetadata } from './metadata.ts';
import { RequestLog } from './request-log.ts';
import type { SigningOptions } from './response.ts';
import { type ServiceProvider, ServiceProviders } from './service-providers.ts';
import { Signer } from './signer.ts';
import { createState, type IdpState, readState, writeState } from './state.ts';

/** How a demo IdP is started. */
export interface DemoIdpOptions {
  /** Address to listen on; 127.0.0.1 by default, since everybody who can reach it may be anybody. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Origin by which browsers reach it, where that is not `http://host:port`. */
  readonly publicUrl?: string;
  /** Its name in SAML; `URL/metadata` by default. Fix it where the port may change: applications know it by this. */
  readonly entityId?: string;
  /** Where key, certificate, token, people, groups and fault are kept; left out, in memory only. */
  readonly stateFile?: string;
  readonly serviceProviders: readonly ServiceProvider[];
  /** Bearer token for SCIM and the JSON API; replaces the stored one. Random by default. */
  readonly scimToken?: string;
  /** What is signed; `assertion` by default. */
  readonly sign?: SigningOptions['sign'];
  /** Rows on a SCIM page, by default and at most; 5, so that a small listing has several pages. */
  readonly pageSize?: number;
  /** Milliseconds since the epoch; the clock of the machine by default. */
  readonly now?: () => number;
}

/** A demo IdP that is running. */
export interface DemoIdp {
  /** Origin, without a slash at its end. */
  readonly url: string;
  readonly port: number;
  readonly entityId: string;
  readonly ssoUrl: string;
  readonly sloUrl: string;
  /** PEM. */
  readonly certificate: string;
  readonly scimUrl: string;
  readonly scimToken: string;
  readonly directory: Directory;
  /** Makes signed Responses without a browser, correct ones and others. */
  readonly signer: Signer;
  /** The EntityDescriptor as XML. */
  metadata(): string;
  /** Adds an application, for one whose address is known only after this IdP has started. */
  registerServiceProvider(provider: ServiceProvider): void;
  /** Stops listening and cuts every connection, answers held back by the time-out fault included. */
  close(): Promise<void>;
}

/**
 * Starts the demo IdP: SAML sign-in, a directory over SCIM, and pages to
 * change and to break it.
 *
 * @throws DemoIdpError `demo_idp.port_taken`, `demo_idp.public_url_invalid`,
 * `demo_idp.acs_url_invalid`, `demo_idp.page_size_invalid`, `demo_idp.state_corrupt`,
 * `demo_idp.state_unreadable`, `demo_idp.state_unwritable`
 */
export async function startDemoIdp(options: DemoIdpOptions): Promise<DemoIdp> {
  const { host = '127.0.0.1', pageSize = 5, now = Date.now, stateFile } = options;
  checkPageSize(pageSize);
  const publicUrl = options.publicUrl === undefined ? undefined : readOrigin(options.publicUrl);
  const providers = new ServiceProviders();
  for (const provider of options.serviceProviders) providers.register(provider);
  const state = await openState(options, now());
  const save = (next: IdpState): void => {
    if (stateFile !== undefined) writeState(stateFile, next);
  };
  const directory = new Directory(state, save, now);

  const server = createServer();
  const port = await listen(server, host, options.port ?? 0);
  const url = publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { key, certificate, scimToken } = state;
  const addresses = {
    url,
    entityId: options.entityId ?? `${url}/metadata`,
    ssoUrl: `${url}/sso`,
    sloUrl: `${url}/slo`,
    scimUrl: `${url}/scim/v2`,
  };
  const { entityId } = addresses;
  const sign = options.sign ?? 'assertion';
  const signer = new Signer({ key, certificate, sign, entityId, directory, providers, now });
  const log = new RequestLog();
  const parts = { directory, providers, signer, log, scimToken, pageSize, now };
  server.on('request', createApp({ ...parts, ...addresses, host, port }));
  return {
    ...addresses,
    port,
    certificate,
    scimToken,
    directory,
    signer,
    metadata: () => renderMetadata(addresses, certificate),
    registerServiceProvider: (provider) => providers.register(provider),
    close: () => close(server),
  };
}

async function openState(options: DemoIdpOptions, now: number): Promise<IdpState> {
  const { stateFile, scimToken } = options;
  const stored = stateFile === undefined ? undefined : readState(stateFile);
  const found = stored ?? (await createState(now));
  const state = scimToken === undefined ? found : { ...found, scimToken };
  const isNew = stored === undefined || state.scimToken !== stored.scimToken;
  if (stateFile !== undefined && isNew) writeState(stateFile, state);
  return state;
}

function checkPageSize(pageSize: number): void {
  if (Number.isSafeInteger(pageSize) && pageSize >= 1) return;
  throw new DemoIdpError(
    'demo_idp.page_size_invalid',
    `Expected a page size of at least 1, received ${pageSize}.`,
  );
}

function readOrigin(publicUrl: string): string {
  const url = URL.parse(publicUrl);
  const isOrigin =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    [url.origin, `${url.origin}/`].includes(publicUrl.toLowerCase());
  if (isOrigin) return url.origin;
  throw new DemoIdpError(
    'demo_idp.public_url_invalid',
    `Expected an http or https origin without a path, received ${JSON.stringify(publicUrl)}.`,
  );
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: Error & { code?: string }) => {
      if (cause.code !== 'EADDRINUSE') {
        reject(cause);
        return;
      }
      const message = `Port ${port} on ${host} is taken: stop the program that holds it, or choose another port.`;
      reject(new DemoIdpError('demo_idp.port_taken', message, cause));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}
