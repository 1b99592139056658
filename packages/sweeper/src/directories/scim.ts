import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import type { DirectoryId } from '@rollcall/shared/core/ids';
import { BearerToken } from './credentials.ts';
import { DirectoryError } from './directory-error.ts';
import { HttpClient } from './http-client.ts';
import type { HttpTime } from './http-time.ts';
import { hashFacts, sha256 } from './listing-fingerprint.ts';
import { ABSENT, answerOrUnknown, segmentOf, unknownBecause } from './look-up-answer.ts';
import type { Pace } from './pace.ts';
import type { Directory, DirectoryAnswer, DirectoryPage } from './port.ts';
import { type GroupsOfPerson, ScimGroupBook } from './scim-group-book.ts';
import { readScimPages } from './scim-paging.ts';
import { isScimError, readDialect, SCIM_HEADERS, type ScimDialect } from './scim-protocol.ts';
import { readUser, type ScimUser } from './scim-user.ts';

/** Where and how a SCIM 2.0 server is asked. */
export interface ScimDirectoryOptions {
  /** The base, such as `https://idp.example/scim/v2`, without a slash at the end. */
  readonly url: string;
  /** The bearer token. Called when it is first needed and after it was refused. */
  readonly token: () => Promise<string>;
  /** Display name of the group whose members may use the application; null: everybody may. */
  readonly assignmentGroup: string | null;
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Rows to ask for on a page. */
  readonly pageSize: number;
  /** Waited for before each request; null or left out: not at all. */
  readonly pace?: Pace | null;
  /** The clock of the process by default. */
  readonly time?: HttpTime;
}

/** How long look-ups share what they read of `/Groups`, in milliseconds. */
const GROUPS_KEPT_MS = 15_000;

/**
 * A directory behind SCIM 2.0 (RFC 7643, RFC 7644; cursors by RFC 9865).
 *
 * `active: false` is `disabled`; a missing `active` is not. Where an assignment
 * group is configured, whoever is enabled and not in it is `unassigned`; that
 * group itself is left out of `groups`, because it gives access, not a role.
 * Groups come from the User, or from `/Groups` where the User has no `groups`,
 * and are null where neither says anything, or where the members of any group are
 * left out. Where the assignment group's member list is as long as a limit would be,
 * whoever is enabled and not on it is not listed, and `unknown` to a look-up: they are
 * not `unassigned`, and not `present` either, which would let people back in.
 */
export function scimDirectory(options: ScimDirectoryOptions): Directory {
  return new ScimDirectory(options);
}

class ScimDirectory implements Directory {
  readonly type = 'scim';
  readonly capabilities = { lookUp: true, groups: true };
  readonly #options: ScimDirectoryOptions;
  readonly #token: BearerToken;
  readonly #http: HttpClient;
  #shared: { readonly book: ScimGroupBook; readonly until: number } | null = null;

  constructor(options: ScimDirectoryOptions) {
    this.#options = options;
    this.#token = new BearerToken(options.token);
    const { url: baseUrl, timeoutMs, pace = null } = options;
    this.#http = new HttpClient({
      baseUrl,
      timeoutMs,
      credentials: this.#token,
      pace,
      ...(options.time === undefined ? {} : { time: options.time }),
    });
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    // Read afresh: another token may be allowed to see other people.
    this.#token.discard();
    const dialect = await readDialect(this.#http, signal);
    const { url, pageSize, assignmentGroup } = this.#options;
    return hashFacts({
      type: this.type,
      url,
      pageSize,
      ...dialect,
      assignmentGroup,
      assignmentId: await this.#openBook(dialect).assignmentId(signal),
      token: sha256(await this.#token.token()),
    });
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    const dialect = await readDialect(this.#http, signal);
    const book = this.#openBook(dialect);
    // Before the first page, so that nobody is listed under an assignment that cannot be told.
    await book.assignmentId(signal);
    const { pageSize } = this.#options;
    const listing = { http: this.#http, dialect, path: '/Users', pageSize };
    let leftOut = 0;
    for await (const { rows, next, announcedTotal } of readScimPages(listing, signal)) {
      const members: DirectoryMember[] = [];
      for (const [index, row] of rows.entries()) {
        const user = readUser(row, `row ${index + 1} of a page of /Users`);
        const told = await book.describe(user, signal);
        if (user.active && told.perhapsCut) leftOut += 1;
        else members.push(toMember(user, told));
      }
      const total = announcedTotal === null ? null : announcedTotal - leftOut;
      yield { members, next, announcedTotal: total };
    }
  }

  lookUp(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    return answerOrUnknown(signal, () => this.#ask(id, signal));
  }

  async #ask(id: DirectoryId, signal: AbortSignal): Promise<DirectoryAnswer> {
    const segment = segmentOf(id);
    if (segment === null) return unknownBecause('The id is a path step and cannot be asked for.');
    const target = `/Users/${segment}`;
    const answer = await this.#http.send({ target, headers: SCIM_HEADERS, expects: [404] }, signal);
    if (answer.status === 404) {
      // RFC 7644 §3.12; a 404 in any other shape is a gateway's or a wrong URL's.
      if (isScimError(answer, 404)) return ABSENT;
      return unknownBecause('Expected a SCIM error with status 404, received another 404.');
    }
    const user = readUser(answer.body, 'the answer to a look-up');
    if (user.id !== id) {
      return unknownBecause(
        `Asked for ${JSON.stringify(id)}, received ${JSON.stringify(user.id)}.`,
      );
    }
    const book = await this.#shareBook(signal);
    const { standing, groups, label } = toMember(user, await book.describe(user, signal));
    return { standing, groups, label, because: null };
  }

  #openBook(dialect: ScimDialect): ScimGroupBook {
    const { pageSize, assignmentGroup } = this.#options;
    const listing = { http: this.#http, dialect, path: '/Groups', pageSize };
    return new ScimGroupBook(listing, assignmentGroup);
  }

  /** The same groups for look-ups that follow each other closely. */
  async #shareBook(signal: AbortSignal): Promise<ScimGroupBook> {
    const shared = this.#shared;
    if (shared !== null && performance.now() < shared.until) return shared.book;
    const book = this.#openBook(await readDialect(this.#http, signal));
    this.#shared = { book, until: performance.now() + GROUPS_KEPT_MS };
    return book;
  }
}

function toMember(user: ScimUser, { groups, assigned }: GroupsOfPerson): DirectoryMember {
  const { id, active, label } = user;
  if (!active) return { id, standing: 'disabled', groups, label };
  if (assigned === null) {
    throw new DirectoryError(
      'malformed_answer',
      'Expected to learn who is in the assignment group, but neither users nor whole groups tell.',
    );
  }
  return { id, standing: assigned ? 'present' : 'unassigned', groups, label };
}
