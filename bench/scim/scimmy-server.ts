// scimmy and its Express routers over a store in memory, in a process of its own:
// `scimmy-server.ts PEOPLE MEMBERS`. Handlers as its documentation has them: equality by a
// look-up would be another program, so filters are matched by scimmy against everybody.

import { randomUUID } from 'node:crypto';
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';
import { idOf, LARGE_GROUP, postedUser } from './people.ts';
import { serveForBench } from './serve.ts';

interface Stored {
  readonly id: string;
  readonly userName?: string;
  readonly displayName?: string;
  readonly meta: object;
  readonly [attribute: string]: unknown;
}
type Handled = InstanceType<typeof SCIMMY.Resources.User>;

const [people = 0, members = 0] = process.argv.slice(2).map(Number);
const meta = { created: new Date(), lastModified: new Date() };
const users = new Map<string, Stored>();
const names = new Set<string>();
const groups = new Map<string, Stored>();

for (let person = 0; person < people; person++) keep(users, idOf(person), postedUser(person));
keep(groups, 'large', {
  displayName: LARGE_GROUP,
  members: Array.from({ length: members }, (_, person) => ({ value: idOf(person), type: 'User' })),
});

function keep(store: Map<string, Stored>, id: string, body: object): Stored {
  const stored: Stored = { ...JSON.parse(JSON.stringify(body)), id, meta };
  store.set(id, stored);
  if (stored.userName !== undefined) names.add(stored.userName.toLowerCase());
  return stored;
}

function read(store: Map<string, Stored>, resource: Handled, context: unknown): unknown {
  if (resource.id !== undefined) return store.get(resource.id);
  const all = [...store.values()];
  if (resource.filter !== undefined) return resource.filter.match(all);
  // Without a place to begin: as a handler answers that knows nothing of pages.
  if (context === 'whole') return all;
  // Its documented way to answer one page of many: an array with holes where nobody looks.
  const { startIndex = 1, count = 20 } = resource.constraints ?? {};
  const page: unknown[] = [];
  page.length = all.length;
  for (let at = startIndex - 1; at < Math.min(all.length, startIndex - 1 + count); at++) {
    page[at] = all[at];
  }
  return page;
}

function write(store: Map<string, Stored>, resource: Handled, body: object): Stored {
  const plain: { userName?: string } = JSON.parse(JSON.stringify(body));
  const isTaken = plain.userName !== undefined && names.has(plain.userName.toLowerCase());
  if (resource.id === undefined && isTaken) {
    throw new SCIMMY.Types.Error(409, 'uniqueness', 'This userName is taken.');
  }
  return keep(store, resource.id ?? randomUUID(), plain);
}

/** What both types of resource are declared with; their own types know attributes one by one. */
interface Declared {
  ingress(handler: (resource: Handled, body: object) => object): Declared;
  egress(handler: (resource: Handled, context: unknown) => unknown): Declared;
  degress(handler: (resource: Handled) => void): Declared;
}

function declare(type: unknown, store: Map<string, Stored>): void {
  (SCIMMY.Resources.declare(type as never) as unknown as Declared)
    .ingress((resource, body) => write(store, resource, body))
    .egress((resource, context) => read(store, resource, context))
    .degress((resource) => void store.delete(resource.id ?? ''));
}

declare(SCIMMY.Resources.User, users);
declare(SCIMMY.Resources.Group, groups);
SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser);

const app = express();
// Its routers write numbers into the query, which Express 5 reads anew each time.
app.use((request, _response, next) => {
  Object.defineProperty(request, 'query', { value: { ...request.query }, writable: true });
  next();
});
app.use(
  '/scim/v2',
  new SCIMMYRouters({
    type: 'bearer',
    handler: (request: express.Request) => {
      if (request.header('authorization') !== 'Bearer bench') throw new Error('no token');
      return 'bench';
    },
    context: ({ query }: express.Request) =>
      query.count !== undefined && query.startIndex === undefined ? 'whole' : 'page',
  }) as unknown as express.RequestHandler,
);
await serveForBench(app);
