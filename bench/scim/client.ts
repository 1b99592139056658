import { Agent, request } from 'node:http';

/** What a server answered. */
export interface ClientAnswer {
  readonly status: number;
  readonly body: ReturnType<JSON['parse']>;
  readonly bytes: number;
}

/** A client over HTTP that keeps its connections, as identity providers do. */
export interface BenchClient {
  send(method: string, path: string, body?: object): Promise<ClientAnswer>;
  close(): void;
}

/** A client of the SCIM server at this base address, with a bearer token. */
export function benchClient(base: string, token: string): BenchClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const { hostname, port, pathname } = new URL(base);
  const send: BenchClient['send'] = (method, path, body) =>
    new Promise((resolve, reject) => {
      const sent = body === undefined ? null : Buffer.from(JSON.stringify(body));
      const headers = {
        authorization: `Bearer ${token}`,
        ...(sent === null
          ? {}
          : { 'content-type': 'application/scim+json', 'content-length': sent.length }),
      };
      const options = { agent, hostname, port, method, path: `${pathname}${path}`, headers };
      const call = request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          const bytes = Buffer.concat(parts);
          const body = bytes.length === 0 ? {} : JSON.parse(bytes.toString());
          resolve({ status: response.statusCode ?? 0, body, bytes: bytes.length });
        });
      });
      call.once('error', reject);
      call.end(sent ?? undefined);
    });
  return { send, close: () => agent.destroy() };
}
