import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request, as the directory saw it. */
export interface Asked {
  readonly connection: string;
  /** Who asked: each worker has a token of its own. */
  readonly worker: string;
  readonly path: string;
  readonly startIndex: number | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Somebody whom a directory lists. */
export interface Listed {
  readonly id: string;
  readonly active: boolean;
  readonly groups: readonly string[];
}

/** One HTTP server with a SCIM directory for each connection, `/CONNECTION/scim/v2/…`. */
export interface Directories {
  readonly url: string;
  readonly log: Asked[];
  /** Called before each answer; what it answers with, where it answers, is sent instead. */
  before: (asked: Asked) => Promise<Refusal | undefined> | undefined;
  people: (connection: string) => readonly Listed[];
  close(): Promise<void>;
}

/** An answer other than the one that was asked for. */
export interface Refusal {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0';

/** Opens the server. */
export async function openDirectories(pageDelayMs = 0): Promise<Directories> {
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const directories: Directories = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: [],
    before: () => undefined,
    people: () => [],
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://directory');
    const [, connection = '', , , ...rest] = url.pathname.split('/');
    const start = url.searchParams.get('startIndex');
    const asked = {
      connection,
      worker: (request.headers.authorization ?? '').replace('Bearer ', ''),
      path: `/${rest.join('/')}`,
      startIndex: start === null ? null : Number(start),
      at: Date.now(),
    };
    directories.log.push(asked);
    if (asked.path === '/Users' && pageDelayMs > 0) await sleep(pageDelayMs);
    const refusal = await directories.before(asked);
    if (refusal) {
      response.writeHead(refusal.status, refusal.headers).end();
      return;
    }
    const [status, body] = answer(asked, directories.people(connection), url.searchParams);
    response.writeHead(status, { 'content-type': 'application/scim+json' });
    response.end(JSON.stringify(body));
  }
  return directories;
}

function answer(
  { path }: Asked,
  people: readonly Listed[],
  query: URLSearchParams,
): [status: number, body: object] {
  if (path === '/ServiceProviderConfig') {
    return [200, { sort: { supported: true }, pagination: { index: true, cursor: false } }];
  }
  if (path === '/Users') return [200, page(people, query)];
  const person = people.find(({ id }) => path === `/Users/${id}`);
  if (person !== undefined) return [200, render(person)];
  return [404, { schemas: [`${MESSAGES}:Error`], status: '404' }];
}

function page(people: readonly Listed[], query: URLSearchParams): object {
  const startIndex = Number(query.get('startIndex') ?? 1);
  const rows = people.slice(startIndex - 1, startIndex - 1 + Number(query.get('count') ?? 100));
  return {
    schemas: [`${MESSAGES}:ListResponse`],
    totalResults: people.length,
    startIndex,
    itemsPerPage: rows.length,
    Resources: rows.map(render),
  };
}

function render({ id, active, groups }: Listed): object {
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    id,
    userName: id,
    active,
    groups: groups.map((name) => ({ value: `g-${name}`, display: name })),
  };
}
