import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { SYSTEM_TIME } from '@rollcall/sweeper/directories/http-time';
import type { Directory, DirectoryFault } from '@rollcall/sweeper/directories/port';
import { scimDirectory } from '@rollcall/sweeper/directories/scim';
import type { FaultyView } from './simulated-directory.ts';
import type { VirtualTime } from './virtual-time.ts';
import { type Company, GROUPS } from './world.ts';

const SCIM = 'application/scim+json';
const MESSAGES = 'urn:ietf:params:scim:api:messages:2.0';
/** Whoever is in it may use the application. */
const ASSIGNED = 'app';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

let server: Server | null = null;
let answer: (url: URL) => Answer = () => scimError(404);

/** The real SCIM adapter in front of a server on this machine that shows a company as a view has it. */
export async function openScimDirectory(
  company: Company,
  view: FaultyView,
  time: VirtualTime,
): Promise<Directory> {
  const url = await listen();
  const house = new ScimHouse(company, view, time);
  answer = (asked) => house.answer(asked);
  return scimDirectory({
    url: `${url}/scim/v2`,
    token: async () => 'campaign',
    assignmentGroup: ASSIGNED,
    timeoutMs: 5_000,
    pageSize: Math.max(4, company.pageSize),
    // The pauses that it asks for last as long as they do in the time of the run.
    time: { ...SYSTEM_TIME, now: () => time.now },
  });
}

async function listen(): Promise<string> {
  if (server === null) {
    const made = createServer((request, response) => {
      const {
        status,
        type = SCIM,
        headers,
        body,
      } = answer(new URL(request.url ?? '/', 'http://idp'));
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(body);
    });
    await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
    // It ends with its process.
    made.unref();
    server = made;
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** How each failure of a listing shows over HTTP. What could be tried again says: not for a minute. */
const FAILURES: Readonly<Partial<Record<DirectoryFault, Answer>>> = {
  request_failed: { ...scimError(503), headers: { 'retry-after': '60' } },
  rate_limited: { ...scimError(429), headers: { 'retry-after': '60' } },
  timed_out: { ...scimError(504), headers: { 'retry-after': '60' } },
  unauthorized: scimError(401),
  forbidden: scimError(403),
  cursor_broken: scimError(400),
  malformed_answer: { status: 200, type: 'text/html', body: '<!doctype html><p>Sorry.' },
};

class ScimHouse {
  readonly #company: Company;
  readonly #view: FaultyView;
  readonly #time: VirtualTime;
  #pages = 0;
  #moved = false;
  #asked = 0;

  constructor(company: Company, view: FaultyView, time: VirtualTime) {
    this.#company = company;
    this.#view = view;
    this.#time = time;
  }

  answer({ pathname, searchParams }: URL): Answer {
    const path = decodeURIComponent(pathname).replace('/scim/v2', '');
    if (path === '/ServiceProviderConfig') return json(this.#describe());
    if (path === '/Users') return this.#list(searchParams);
    if (path === '/Groups') return json(page(this.#groups(searchParams), searchParams));
    const group = this.#groups(searchParams).find(({ id }) => path === `/Groups/${id}`);
    if (group !== undefined) return json(group);
    return path.startsWith('/Users/') ? this.#lookUp(path.slice(7)) : scimError(404);
  }

  #describe(): object {
    const told = this.#view.fault('wrong_tenant')?.told === true || this.#moved;
    return {
      sort: { supported: true },
      pagination: { index: true, maxPageSize: 1000 + this.#company.scope + (told ? 500 : 0) },
    };
  }

  #list(query: URLSearchParams): Answer {
    const view = this.#view;
    const index = this.#pages++;
    this.#time.pass(view.fault('slow')?.msEach ?? 40);
    if (view.fault('scope_moves') !== undefined) this.#moved = true;
    const error = view.fault('error');
    if (error !== undefined && index >= error.page) return FAILURES[error.code] ?? scimError(400);
    const expired = view.fault('cursor_expires');
    if (expired !== undefined && index > expired.page) return scimError(400);
    let rows = view.listed().map(toUser);
    const cut = view.fault('truncated');
    if (cut !== undefined) rows = rows.slice(0, (cut.page + 1) * this.#company.pageSize);
    const shifted = view.fault('shifted');
    if (shifted !== undefined && index > shifted.page) {
      rows = shifted.by === 'skip' ? rows.slice(1) : [toUser(guest('0-aaa')), ...rows];
    }
    const again = view.fault('cursor_repeats') ?? view.fault('page_twice');
    const asked = new URLSearchParams(query);
    if (again !== undefined && index > again.page) asked.set('startIndex', '1');
    const answered = page(rows, asked);
    const ends = view.fault('no_last_page');
    if (ends !== undefined && index > ends.page) return json({ ...answered, Resources: [] });
    const lie = view.fault('total_lies')?.by ?? 0;
    return json({
      ...answered,
      startIndex: Number(query.get('startIndex') ?? 1),
      totalResults: rows.length + lie,
    });
  }

  #lookUp(id: string): Answer {
    this.#time.pass(20);
    const look = this.#view.answer(id, this.#asked++);
    if (look === 'refused') return scimError(403);
    if (look.standing === 'gone') return scimError(404);
    return json(
      toUser({
        id: id as DirectoryMember['id'],
        standing: look.standing,
        groups: look.groups,
        label: id,
      }),
    );
  }

  #groups(query: URLSearchParams): readonly { readonly id: string }[] {
    const people = this.#view.listed();
    const bare = query.get('excludedAttributes') === 'members';
    return [...GROUPS, ASSIGNED].map((name) => {
      const of = people.filter((one) =>
        name === ASSIGNED ? one.standing !== 'unassigned' : one.groups?.includes(name),
      );
      const members = of.map(({ id }) => ({ value: id, type: 'User' }));
      // Groups that are not told of are hidden, not empty.
      const hidden = name !== ASSIGNED && people.some((one) => one.groups === null);
      return { id: `g-${name}`, displayName: name, ...(bare || hidden ? {} : { members }) };
    });
  }
}

function guest(id: string): DirectoryMember {
  return { id: id as DirectoryMember['id'], standing: 'present', groups: [], label: null };
}

function toUser({ id, standing, groups }: DirectoryMember): { readonly id: string } {
  const names =
    groups === null ? null : [...groups, ...(standing === 'unassigned' ? [] : [ASSIGNED])];
  const listed = names?.map((name) => ({ value: `g-${name}`, display: name }));
  return {
    id,
    ...{ userName: id },
    ...(standing === 'disabled' ? { active: false } : { active: true }),
    ...(listed === undefined ? {} : { groups: listed }),
  };
}

/** A page by index (RFC 7644 §3.4.2.4), sorted by id. */
function page(
  rows: readonly { readonly id: string }[],
  query: URLSearchParams,
): Record<string, unknown> {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  const startIndex = Number(query.get('startIndex') ?? 1);
  const Resources = sorted.slice(
    startIndex - 1,
    startIndex - 1 + Number(query.get('count') ?? 100),
  );
  return {
    schemas: [`${MESSAGES}:ListResponse`],
    totalResults: rows.length,
    startIndex,
    itemsPerPage: Resources.length,
    Resources,
  };
}

function json(body: object): Answer {
  return { status: 200, body: JSON.stringify(body) };
}

function scimError(status: number): Answer {
  return {
    status,
    body: JSON.stringify({ schemas: [`${MESSAGES}:Error`], status: String(status) }),
  };
}
