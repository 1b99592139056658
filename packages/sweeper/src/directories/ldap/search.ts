import { type Filter, FilterParser, PagedResultsControl, SearchRequest } from 'ldapts';
import { DirectoryError } from '../directory-error.ts';
import type { LdapAnswer, LdapConnection } from './connection.ts';
import type { LdapEntry } from './entry.ts';

/** What to look for, and what to tell of it. */
export interface LdapSearch {
  readonly base: string;
  readonly scope: 'base' | 'sub';
  readonly filter: Filter | string;
  readonly attributes: readonly string[];
}

/** One page, and whether the server says that it is the last. */
export interface LdapPage {
  readonly entries: readonly LdapEntry[];
  readonly last: boolean;
}

/**
 * Searches page by page (RFC 2696). Ends after the page that comes without a cookie,
 * however empty another one is. Throws `DirectoryError` where the server knows no
 * paging, sends the cookie of the page before, or refers to other servers.
 */
export async function* searchPages(
  connection: LdapConnection,
  search: LdapSearch,
  pageSize: number,
  signal: AbortSignal,
): AsyncGenerator<LdapPage> {
  let cookie: Buffer = Buffer.alloc(0);
  for (;;) {
    const control = new PagedResultsControl({ value: { size: pageSize, cookie }, critical: true });
    const answer = await connection.send(
      (messageId) => requestOf(search, messageId, [control]),
      signal,
    );
    const next = cookieOf(answer);
    if (next.length > 0 && next.equals(cookie) && answer.entries.length === 0) {
      throw new DirectoryError(
        'cursor_broken',
        'The server sent an empty page and the same cookie.',
      );
    }
    yield { entries: ownEntries(answer), last: next.length === 0 };
    if (next.length === 0) return;
    cookie = next;
  }
}

/** Searches for a few entries, without pages. Throws `DirectoryError`. */
export async function searchOnce(
  connection: LdapConnection,
  search: LdapSearch,
  signal: AbortSignal,
): Promise<readonly LdapEntry[]> {
  return ownEntries(await connection.send((messageId) => requestOf(search, messageId), signal));
}

function requestOf(search: LdapSearch, messageId: number, controls: PagedResultsControl[] = []) {
  const { base: baseDN, scope, attributes, filter } = search;
  return new SearchRequest({
    messageId,
    baseDN,
    scope,
    derefAliases: 'never',
    filter: typeof filter === 'string' ? FilterParser.parseString(filter) : filter,
    attributes: [...attributes],
    controls,
  });
}

function cookieOf({ response }: LdapAnswer): Buffer {
  const control = response.controls?.find((one) => one instanceof PagedResultsControl);
  if (control?.value === undefined) {
    throw new DirectoryError(
      'cursor_broken',
      'The server answered without a page control (RFC 2696).',
    );
  }
  return control.value.cookie ?? Buffer.alloc(0);
}

/** Whoever is only referred to is somewhere else: this listing cannot be of everybody. */
function ownEntries({ entries, references }: LdapAnswer): readonly LdapEntry[] {
  const elsewhere = references.find((url) => !holdsNobody(url));
  if (elsewhere === undefined) return entries;
  throw new DirectoryError(
    'request_failed',
    `Expected everybody on this server, received a referral to ${hostOf(elsewhere)}: choose a base below it, or ask the global catalog.`,
  );
}

/** Active Directory refers to these beside the domain itself whenever all of it is searched. */
const WITHOUT_PEOPLE = [
  'dc=forestdnszones,',
  'dc=domaindnszones,',
  'cn=configuration,',
  'cn=schema,',
];

function holdsNobody(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const path = new URL(url).pathname.slice(1).toLowerCase();
  return WITHOUT_PEOPLE.some((start) => path.startsWith(start));
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'another server';
}
