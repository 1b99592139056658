import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the address of an identity provider's metadata behaves. */
export type Behaviour =
  | 'good'
  | 'error'
  | 'redirect'
  | 'truncated'
  | 'slow'
  | 'huge'
  | 'doctype'
  | 'page'
  | 'gone';

/** A server of metadata on this machine, with fault switches. */
export interface MetadataServer {
  readonly url: string;
  /** What it serves; an ETag follows from it. */
  xml: string;
  behaviour: Behaviour;
  /** Without an ETag it says only when the text was changed. */
  withEtag: boolean;
  /** Status codes of its answers, in order. */
  readonly answered: number[];
  close(): Promise<void>;
}

const FAULTS: Record<Exclude<Behaviour, 'good'>, (xml: string) => RequestListener> = {
  error: () => (_, response) => response.writeHead(500).end('no'),
  redirect: () => (_, response) =>
    response.writeHead(302, { location: '/elsewhere?key=hidden' }).end(),
  truncated: (xml) => (_, response) => {
    response.writeHead(200, { 'content-length': xml.length });
    response.write(xml.slice(0, xml.length / 2), () => response.socket?.destroySoon());
  },
  slow: (xml) => (_, response) => {
    let sent = 0;
    const drip = setInterval(() => response.write(xml[sent++] ?? ' '), 20);
    response.on('close', () => clearInterval(drip));
  },
  huge: () => (_, response) => response.end('x'.repeat(2 * 1024 * 1024)),
  doctype: (xml) => (_, response) => response.end(`<!DOCTYPE x [<!ENTITY a "b">]>${xml}`),
  page: () => (_, response) => response.end('<html><body>Sign in</body></html>'),
  gone: () => (request) => request.socket.destroy(),
};

/** Starts one; `close` it at the end. */
export async function serveMetadata(xml: string): Promise<MetadataServer> {
  const answered: number[] = [];
  const server = createServer((request, response) => {
    response.on('finish', () => answered.push(response.statusCode));
    if (state.behaviour !== 'good') return FAULTS[state.behaviour](state.xml)(request, response);
    const etag = `"${createHash('sha256').update(state.xml).digest('hex').slice(0, 16)}"`;
    const same = state.withEtag
      ? request.headers['if-none-match'] === etag
      : request.headers['if-modified-since'] === CHANGED;
    if (same) return response.writeHead(304).end();
    response.writeHead(200, state.withEtag ? { etag } : { 'last-modified': CHANGED });
    return response.end(state.xml);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const state: MetadataServer = {
    url: `http://127.0.0.1:${port}/metadata?key=hidden`,
    xml,
    behaviour: 'good',
    withEtag: true,
    answered,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}

const CHANGED = 'Mon, 01 Jun 2026 00:00:00 GMT';
