// A SCIM server of its own process, for measuring: `directory-server.ts PEOPLE PAGE_SIZE`.
// Pages are made before the first request and sent from memory. Over the channel of
// `fork` it says `{ url }` when it is ready, and answers each {@link Order} with `{}` when
// it is carried out.

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { directoryIdOf, isLeaver, scimUserOf } from './people.ts';

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
const [people = 0, pageSize = 0] = process.argv.slice(2).map(Number);

interface World {
  readonly pages: readonly Buffer[];
  /** Number of each person who is there, by id. */
  readonly byId: ReadonlyMap<string, number>;
}

function worldOf(isThere: (person: number) => boolean): World {
  const there = Array.from({ length: people }, (_, person) => person).filter(isThere);
  const byId = new Map(there.map((person) => [directoryIdOf(person), person]));
  const pages: Buffer[] = [];
  for (let first = 0; first < there.length; first += pageSize) {
    const rows = there.slice(first, first + pageSize);
    const next = first + pageSize < there.length ? { nextCursor: String(pages.length + 1) } : {};
    const head = { totalResults: there.length, itemsPerPage: rows.length, ...next };
    const Resources = rows.map(scimUserOf);
    pages.push(Buffer.from(JSON.stringify({ schemas: [LIST_RESPONSE], ...head, Resources })));
  }
  return { pages, byId };
}

/** What the server is told to change. */
export interface Order {
  /** Let those leave who are to leave. */
  readonly leave?: true;
  /** Answer each page after so many milliseconds. */
  readonly pageDelayMs?: number;
}

let world = worldOf(() => true);
let pageDelayMs = 0;

const DIALECT = Buffer.from(
  JSON.stringify({
    sort: { supported: false },
    pagination: { cursor: true, index: false, defaultPaginationMethod: 'cursor' },
  }),
);

function send(response: ServerResponse, status: number, body: Buffer | object): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/scim+json',
    'content-length': bytes.length,
  });
  response.end(bytes);
}

function sendUser(response: ServerResponse, id: string): void {
  const person = world.byId.get(id);
  if (person !== undefined) send(response, 200, scimUserOf(person));
  else send(response, 404, { schemas: [ERROR], status: '404', detail: 'no such user' });
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://directory.example');
  if (url.pathname === '/ServiceProviderConfig') return send(response, 200, DIALECT);
  if (url.pathname.startsWith('/Users/')) {
    return sendUser(response, decodeURIComponent(url.pathname.slice('/Users/'.length)));
  }
  const page = world.pages[Number(url.searchParams.get('cursor') || '0')];
  if (url.pathname === '/Users' && page !== undefined) {
    if (pageDelayMs === 0) return send(response, 200, page);
    return void setTimeout(() => send(response, 200, page), pageDelayMs);
  }
  return send(response, 400, { schemas: [ERROR], status: '400', detail: 'no such page' });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on('message', (order: Order) => {
  if (order.leave === true) world = worldOf((person) => !isLeaver(person));
  pageDelayMs = order.pageDelayMs ?? pageDelayMs;
  process.send?.({});
});
process.on('disconnect', () => process.exit());
