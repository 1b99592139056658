import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as far as a script looks at it. */
export interface ScriptedRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  readonly form: URLSearchParams;
}

/** An answer that is sent whole. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
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
        path: decodeURIComponent(url.pathname),
        query: url.searchParams,
        authorization: incoming.headers.authorization ?? null,
        form: new URLSearchParams(body),
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
  response.writeHead(answer.status, {
    ...(answer.type === undefined ? {} : { 'content-type': answer.type }),
    'content-length': Buffer.byteLength(answer.body),
    ...answer.headers,
  });
  if (!('cut' in scripted)) {
    response.end(answer.body);
    return;
  }
  response.write(answer.body.slice(0, answer.body.length / 2), () => response.destroy());
}

/** The address of a server that is not there. */
export async function closedUrl(): Promise<string> {
  const server = await ScriptedServer.start(() => 'hang');
  await server.close();
  return server.url;
}
