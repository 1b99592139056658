import type { RosterFormat, RosterPlace } from '@rollcall/shared/config/schema/roster';
import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { after, type EpochMs } from '@rollcall/shared/core/time';
import { currentTime } from '@rollcall/shared/db/timestamp';
import { BearerToken } from '../credentials.ts';
import { DirectoryError } from '../directory-error.ts';
import { hashFacts, sha256 } from '../listing-fingerprint.ts';
import { unknownBecause } from '../look-up-answer.ts';
import type { Directory, DirectoryPage } from '../port.ts';
import { type RosterShape, toRosterMember } from './roster-member.ts';
import { mergeProofs } from './roster-proof.ts';
import { type DELIMITERS, openRows } from './roster-rows.ts';
import { fetchRoster } from './roster-source.ts';

/** Where a roster is, how it is written, and what it has to show for itself. */
export interface RosterOptions {
  readonly place: RosterPlace;
  /** A bearer token; null: none is sent. */
  readonly token: (() => Promise<string>) | null;
  readonly format: RosterFormat;
  readonly delimiter: keyof typeof DELIMITERS;
  readonly columns: RosterShape['columns'];
  readonly groupsSplit: string;
  readonly activeWords: readonly string[];
  readonly inactiveWords: readonly string[];
  /** Whether a roster that does not say how many people it lists is refused. */
  readonly countRequired: boolean;
  /** How old a roster may be, in milliseconds. */
  readonly validForMs: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  /** Rows on a page; 1,000 by default. */
  readonly pageSize?: number;
  readonly clock?: () => EpochMs;
}

const PAGE = 1_000;
/** So far may the clock of whoever writes the roster be ahead, in milliseconds. */
const AHEAD_MS = 10 * 60_000;

/**
 * A list of people that somebody sends: a file, or an address. It is read whole and
 * believed whole or not at all: where the checksum, the number of rows, the date or a
 * single row is not right, the listing fails and proves nothing of anybody. It answers
 * no look-ups.
 */
export function rosterDirectory(options: RosterOptions): Directory {
  return new RosterDirectory(options);
}

class RosterDirectory implements Directory {
  readonly type = 'roster';
  readonly capabilities: Directory['capabilities'];
  readonly #options: RosterOptions;
  readonly #token: BearerToken | null;
  readonly #shape: RosterShape;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#token = options.token === null ? null : new BearerToken(options.token);
    this.#shape = {
      columns: options.columns,
      groupsSplit: options.groupsSplit,
      activeWords: lowerCase(options.activeWords),
      inactiveWords: lowerCase(options.inactiveWords),
    };
    this.capabilities = { lookUp: false, groups: options.columns.groups !== null };
  }

  async fingerprint(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    this.#token?.discard();
    const { place, format, delimiter, columns, groupsSplit } = this.#options;
    return hashFacts({
      type: this.type,
      ...place,
      format,
      delimiter,
      idColumn: columns.id,
      activeColumn: columns.active,
      groupsColumn: columns.groups,
      groupsSplit,
      activeWords: [...this.#shape.activeWords].sort(),
      inactiveWords: [...this.#shape.inactiveWords].sort(),
      token: this.#token === null ? null : sha256(await this.#token.token()),
    });
  }

  async *list(signal: AbortSignal): AsyncGenerator<DirectoryPage> {
    signal.throwIfAborted();
    const { format, delimiter, columns, countRequired, pageSize = PAGE } = this.#options;
    const { bytes, beside, modifiedAt } = await fetchRoster(
      { ...this.#options, token: this.#token },
      signal,
    );
    const { within, rows } = openRows(bytes, format, { delimiter, idColumn: columns.id });
    const proof = mergeProofs(beside, within);
    if (proof.rows === null && countRequired) throw countMissing();
    const asOf = this.#requireCurrent(proof.asOf ?? modifiedAt);
    const dated = { announcedTotal: proof.rows, asOf };
    let members: DirectoryMember[] = [];
    let page = 0;
    for await (const row of rows()) {
      // The page before the last says that another follows: so it waits for its first row.
      if (members.length === pageSize) {
        signal.throwIfAborted();
        page += 1;
        yield { members, next: String(page), ...dated };
        members = [];
      }
      members.push(toRosterMember(row, this.#shape));
    }
    yield { members, next: null, ...dated };
  }

  async lookUp(): Promise<ReturnType<typeof unknownBecause>> {
    return unknownBecause('A roster answers no look-ups.');
  }

  #requireCurrent(asOf: EpochMs | null): EpochMs {
    const now = (this.#options.clock ?? currentTime)();
    if (asOf === null) {
      throw new DirectoryError(
        'malformed_answer',
        'Expected a date of the roster (as_of, or Last-Modified from its server), received none.',
      );
    }
    if (asOf > after(now, AHEAD_MS)) {
      throw new DirectoryError(
        'malformed_answer',
        `Expected a roster of the past, received one of ${new Date(asOf).toISOString()}.`,
      );
    }
    const { validForMs } = this.#options;
    if (now <= after(asOf, validForMs)) return asOf;
    throw new DirectoryError(
      'stale',
      `Expected a roster of the last ${validForMs / 3_600_000} hours, received one of ${new Date(asOf).toISOString()}.`,
    );
  }
}

function lowerCase(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map((word) => word.trim().toLowerCase()));
}

function countMissing(): DirectoryError {
  return new DirectoryError(
    'malformed_answer',
    'Expected the number of rows with the roster (a line "rows 1234" beside it, or at its end), received none.',
  );
}
