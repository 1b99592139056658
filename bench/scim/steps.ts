import type { ClientAnswer } from './client.ts';
import type { NumberedRequest } from './load.ts';
import { externalIdOf, idOf, patchOf, postedUser, userNameOf } from './people.ts';
import type { Contestant } from './world.ts';

/** One kind of request, for whoever is asked. */
export interface Step {
  readonly name: string;
  /** How many at once, one table row each. */
  readonly lanes: readonly number[];
  /** Of this project in a full run, and of scimmy: its slow ones fewer. */
  readonly requests: number;
  readonly ofScimmy: number;
  /** The 99th percentile that is to be held, in milliseconds; null: none. */
  readonly goalMs: number | null;
  /** How many a second are to be reached, in the best lane; null: none. */
  readonly goalPerSecond: number | null;
  request(of: Contestant): NumberedRequest;
}

const PAGE = 100;

type Ask = (of: Contestant, number: number) => Promise<void>;
type Limits = Partial<Pick<Step, 'lanes' | 'requests' | 'ofScimmy' | 'goalMs' | 'goalPerSecond'>>;

function step(name: string, limits: Limits, ask: Ask): Step {
  const usual = { lanes: [1], requests: 1_000, ofScimmy: 20, goalMs: null, goalPerSecond: null };
  return { ...usual, ...limits, name, request: (of) => (number) => ask(of, number) };
}

async function send(
  { client }: Contestant,
  status: number,
  method: string,
  path: string,
  body?: object,
): Promise<ClientAnswer> {
  const answer = await client.send(method, path, body);
  if (answer.status === status) return answer;
  throw new Error(
    `${method} was answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 200)}`,
  );
}

/** Spread over everybody, another one each time. */
function person({ people }: Contestant, number: number): number {
  return (number * 7_919 + 13) % people;
}

async function find(of: Contestant, filter: string, number: number): Promise<void> {
  const { body } = await send(of, 200, 'GET', `/Users?filter=${encodeURIComponent(filter)}`);
  if (body.totalResults === 1 && body.Resources[0].id === idOf(person(of, number))) return;
  throw new Error(`expected one person for ${filter}, received ${body.totalResults}`);
}

async function readPage(of: Contestant, startIndex: number | null): Promise<void> {
  const begin = startIndex === null ? '' : `startIndex=${startIndex}&`;
  const path = `/Users?${begin}count=${PAGE}`;
  const { body } = await send(of, 200, 'GET', path);
  if (body.Resources.length === PAGE && body.totalResults >= of.people) return;
  throw new Error(`expected ${PAGE} of ${of.people}, received ${body.Resources.length}`);
}

/** Whom nobody has made yet, in whatever order steps run. */
let nextPerson = 10_000_000;

/** All steps, in the order in which they run; what they change, the later ones find changed. */
export const STEPS: readonly Step[] = [
  step('get by id', {}, async (of, n) => {
    await send(of, 200, 'GET', `/Users/${idOf(person(of, n))}`);
  }),
  step('`userName eq`', { goalMs: 10 }, (of, n) =>
    find(of, `userName eq "${userNameOf(person(of, n))}"`, n),
  ),
  step('`externalId eq`', { goalMs: 10 }, (of, n) =>
    find(of, `externalId eq "${externalIdOf(person(of, n))}"`, n),
  ),
  step('`emails[type eq "work"].value eq`', { goalMs: 10 }, (of, n) =>
    find(of, `emails[type eq "work"].value eq "${userNameOf(person(of, n))}"`, n),
  ),
  step('first page', { goalMs: 20, requests: 400 }, (of) => readPage(of, 1)),
  // scimmy's handler gives all of them here, and leaves the page to scimmy.
  step('first page, without startIndex', { goalMs: 20, requests: 400, ofScimmy: 3 }, (of) =>
    readPage(of, null),
  ),
  step('last page', { goalMs: 20, requests: 400 }, (of) => readPage(of, of.people - PAGE + 1)),
  step('any page', { goalMs: 20, requests: 400 }, (of, n) =>
    // Behind the second page: an array with holes makes scimmy cut the earlier ones short.
    readPage(of, 1 + PAGE + ((n * 104_729) % (of.people - 2 * PAGE))),
  ),
  step('`userName co`, 1 to 111 found', { requests: 400 }, async (of, n) => {
    const part = `n-${String(of.people + (person(of, n) % 9_000)).slice(-4)}`;
    const filter = encodeURIComponent(`userName co "${part}"`);
    await send(of, 200, 'GET', `/Users?filter=${filter}&count=${PAGE}`);
  }),
  step(
    'create',
    { lanes: [1, 8, 32], requests: 3_000, ofScimmy: 300, goalPerSecond: 500 },
    async (of) => {
      await send(of, 201, 'POST', '/Users', postedUser(nextPerson++));
    },
  ),
  step('PATCH title', { lanes: [1, 8], ofScimmy: 100 }, async (of, n) => {
    const change = { op: 'replace', path: 'title', value: `Title of ${n} ${nextPerson++}` };
    await send(of, 200, 'PATCH', `/Users/${idOf(person(of, n))}`, patchOf(change));
  }),
  step('PATCH active false', { requests: 300, ofScimmy: 100 }, (of, n) => setActive(of, n, false)),
  step('PATCH active true', { requests: 300, ofScimmy: 100 }, (of, n) => setActive(of, n, true)),
  step('add one member', { requests: 300, ofScimmy: 5 }, (of, n) =>
    patchMembers(of, { op: 'add', path: 'members', value: [{ value: outsider(of, n) }] }),
  ),
  step('remove one member', { requests: 300, ofScimmy: 5 }, (of, n) =>
    patchMembers(of, { op: 'remove', path: `members[value eq "${outsider(of, n)}"]` }),
  ),
  step('the group without its members', { requests: 300 }, async (of) => {
    await send(of, 200, 'GET', `/Groups/${of.groupId}?excludedAttributes=members`);
  }),
];

async function setActive(of: Contestant, number: number, value: boolean): Promise<void> {
  const change = patchOf({ op: 'replace', path: 'active', value });
  const path = `/Users/${idOf(of.people - 1 - number)}`;
  const { body } = await send(of, 200, 'PATCH', path, change);
  if (body.active !== value) throw new Error(`expected active ${value}, received ${body.active}`);
}

function outsider({ outsiders }: Contestant, number: number): string {
  return outsiders[number % outsiders.length] ?? '';
}

async function patchMembers(of: Contestant, change: object): Promise<void> {
  const { status } = await of.client.send('PATCH', `/Groups/${of.groupId}`, patchOf(change));
  // RFC 7644 §3.5.2 leaves it to the server whether it shows the group.
  if (status !== 200 && status !== 204) throw new Error(`expected 204, received ${status}`);
}
