import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as far as a script looks at it. */
export interface ScriptedRequest {
  readonly method: string;
  /** Of this server. */
  readonly origin: string;
  /** Decoded, without the query. */
  readonly path: string;
  /** As it came, without the query. */
  readonly rawPath: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
  /** As it came. */
  readonly body: string;
}

/** An answer that is sent whole. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  /** Sent instead of `body`. */
  readonly bytes?: Uint8Array;
}

/**
 * What the server does: answer, answer nothing until the client hangs up, or break
 * the connection off in the middle of the answer.
 */
export type Scripted = ScriptedAnswer | 'hang' | { readonly cut: ScriptedAnswer };

/** A real HTTP server on 127.0.0.1 whose answers a test writes. */
export class ScriptedServer {
  readonly requests: ScriptedRequest[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(answer: (request: ScriptedRequest) => Scripted): Promise<ScriptedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const scripted = new ScriptedServer(server);
    server.on('request', async (incoming, response) => {
      const url = new URL(`${scripted.url}${incoming.url ?? '/'}`);
      let body = '';
      for await (const chunk of incoming) body += String(chunk);
      const request = {
        method: incoming.method ?? 'GET',
        origin: scripted.url,
        path: decodeURIComponent(url.pathname),
        rawPath: url.pathname,
        query: url.searchParams,
        authorization: incoming.headers.authorization ?? null,
        headers: incoming.headers,
        form: new URLSearchParams(body),
        body,
      };
      scripted.requests.push(request);
      send(response, answer(request));
    });
    return scripted;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A value as JSON. */
export function json(status: number, value: unknown, type = 'application/json'): ScriptedAnswer {
  return { status, type, body: JSON.stringify(value) };
}

/** What a proxy in front of a directory answers. */
export function htmlPage(status: number): ScriptedAnswer {
  return { status, type: 'text/html', body: '<!doctype html><title>Gateway</title><p>Sorry.' };
}

function send(response: ServerResponse, scripted: Scripted): void {
  if (scripted === 'hang') return;
  const answer = 'cut' in scripted ? scripted.cut : scripted;
  const bytes = answer.bytes ?? Buffer.from(answer.body);
  response.writeHead(answer.status, {
    ...(answer.type === undefined ? {} : { 'content-type': answer.type }),
    'content-length': bytes.byteLength,
    ...answer.headers,
  } as OutgoingHttpHeaders);
  if (!('cut' in scripted)) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, bytes.byteLength / 2), () => response.destroy());
}

/** The address of a server that is not there. */
export async function closedUrl(): Promise<string> {
  const server = await ScriptedServer.start(() => 'hang');
  await server.close();
  return server.url;
}
