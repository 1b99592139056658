import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import { expect, it } from 'vitest';

const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
const people = Array.from({ length: 120 }, (_, n) => `u${n}`);

/** Serves Users without `groups`, and Groups in which one has no `members` attribute. */
async function list(members: { app: string[]; admins: string[] | null }) {
  const groups = [
    { id: 'g1', displayName: 'app', members: members.app.map((value) => ({ value })) },
    {
      id: 'g2',
      displayName: 'admins',
      ...(members.admins === null ? {} : { members: members.admins.map((value) => ({ value })) }),
    },
  ];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    response.setHeader('content-type', 'application/scim+json');
    const page = (all: object[]) => {
      const start = Number(url.searchParams.get('startIndex') ?? 1);
      const count = Number(url.searchParams.get('count') ?? 100);
      const rows = all.slice(start - 1, start - 1 + count);
      response.end(
        JSON.stringify({
          schemas: [LIST],
          totalResults: all.length,
          startIndex: start,
          itemsPerPage: rows.length,
          Resources: rows,
        }),
      );
    };
    if (url.pathname === '/Users')
      return page(people.map((id) => ({ id, userName: id, active: true })));
    if (url.pathname === '/Groups') return page(groups);
    const group = groups.find((one) => url.pathname === `/Groups/${one.id}`);
    if (group !== undefined) return void response.end(JSON.stringify(group));
    response.statusCode = 404;
    response.end(
      JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '404' }),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const directory = scimDirectory({
    url,
    token: async () => 't',
    assignmentGroup: 'app',
    timeoutMs: 5000,
    pageSize: 50,
  });
  const rows = [];
  for await (const one of directory.list(new AbortController().signal)) rows.push(...one.members);
  server.close();
  return rows;
}

it('a group whose members the server keeps to itself leaves the groups unknown, not empty', async () => {
  const rows = await list({ app: people, admins: null });
  expect(rows.filter((row) => row.groups?.length === 0)).toHaveLength(0);
});

it('an assignment group cut at a usual limit does not say that the rest are unassigned', async () => {
  const rows = await list({ app: people.slice(0, 100), admins: ['u1'] });
  expect(rows.filter((row) => row.standing === 'unassigned')).toHaveLength(0);
});
