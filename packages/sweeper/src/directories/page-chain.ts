import type { DirectoryId } from '@rollcall/shared/core/ids';
import { type Fields, readFields } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import { SeenIds } from './seen-ids.ts';

/** One page as the vendor sent it. */
export interface LinkedPage {
  readonly rows: readonly unknown[];
  /** Where the next page is, opaque; null on the page that the vendor calls the last. */
  readonly next: string | null;
}

/** A listing whose pages say where the next one is. */
export interface PageChain {
  /** For messages, such as `/api/v1/apps/0oa1/users`. */
  readonly path: string;
  /** Rows to ask for on a page, no more than the vendor gives. */
  readonly pageSize: number;
  /**
   * Reads one page. Throws `DirectoryError`.
   *
   * @param position `next` of the page before, as it was given; null for the first.
   */
  readonly read: (
    position: string | null,
    pageSize: number,
    signal: AbortSignal,
  ) => Promise<LinkedPage>;
  /** Throws `DirectoryError` where there is none. */
  readonly idOf: (fields: Fields, where: string) => DirectoryId;
  /**
   * What else there is to tell that nobody is missing. `full_pages`: the vendor fills
   * every page but the last. `total`: whoever reads the chain compares a total.
   */
  readonly proof: 'full_pages' | 'total';
}

/** A row with its id, which no other row of the listing has. */
export interface ChainRow {
  readonly id: DirectoryId;
  readonly fields: Fields;
  /** For messages. */
  readonly where: string;
}

export interface ChainPage {
  readonly rows: readonly ChainRow[];
  readonly next: string | null;
}

/**
 * Reads a listing page by page to its end. A position that comes again, an id that comes
 * twice and a row that cannot be read end it as `cursor_broken` or `malformed_answer`.
 *
 * Where a vendor counts nothing, nothing but the length of pages shows that one was cut
 * short: a page that has a next one must be full, and the last one must not be. Where it is
 * otherwise, everything is read again in pages of another length, and must be the same.
 */
export async function* readChain(chain: PageChain, signal: AbortSignal): AsyncGenerator<ChainPage> {
  const seen = new SeenIds();
  let doubtful = false;
  for await (const page of walk(chain, chain.pageSize, seen, signal)) {
    const full = page.rows.length === chain.pageSize;
    if (full === (page.next === null)) doubtful = true;
    if (page.next === null && doubtful && chain.proof === 'full_pages') {
      await readAgain(chain, seen, signal);
    }
    yield page;
  }
}

/** The error for a listing that may lack somebody. */
export function brokenChain({ path }: Pick<PageChain, 'path'>, what: string): DirectoryError {
  return new DirectoryError('cursor_broken', `The listing of ${path} cannot be whole: ${what}.`);
}

async function* walk(
  chain: PageChain,
  pageSize: number,
  seen: SeenIds,
  signal: AbortSignal,
): AsyncGenerator<ChainPage> {
  const used = new SeenIds();
  for (let position: string | null = null, number = 1; ; number++) {
    const { rows, next }: LinkedPage = await chain.read(position, pageSize, signal);
    if (next !== null && !used.add(next)) throw brokenChain(chain, 'a page led back to another');
    if (rows.length > pageSize) {
      throw brokenChain(chain, `asked for ${pageSize} rows, received ${rows.length}`);
    }
    yield { rows: rows.map((row, index) => readRow(chain, seen, row, `${index + 1}`)), next };
    if (next === null) return;
    if (number > MOST_PAGES) throw brokenChain(chain, `it has more than ${MOST_PAGES} pages`);
    position = next;
  }
}

/** Empty pages with ever new positions would otherwise be followed for ever. */
const MOST_PAGES = 1_000_000;

function readRow(chain: PageChain, seen: SeenIds, row: unknown, number: string): ChainRow {
  const where = `row ${number} of a page of ${chain.path}`;
  const fields = readFields(row, where);
  const id = chain.idOf(fields, where);
  if (seen.add(id)) return { id, fields, where };
  throw brokenChain(chain, `expected every id once, received ${JSON.stringify(id)} again`);
}

/** In pages of another length, so that what was cut off a page before lies elsewhere now. */
async function readAgain(chain: PageChain, known: SeenIds, signal: AbortSignal): Promise<void> {
  const pageSize = Math.max(1, chain.pageSize - 1);
  const again = new SeenIds();
  for await (const { rows, next } of walk(chain, pageSize, again, signal)) {
    if (next !== null && rows.length < pageSize) {
      throw brokenChain(
        chain,
        `asked for ${pageSize} rows, received ${rows.length} and a next page`,
      );
    }
    if (rows.some(({ id }) => !known.has(id))) {
      throw brokenChain(chain, 'it has other rows when it is read a second time');
    }
  }
  if (again.count === known.count) return;
  const counts = `${known.count} rows at first and ${again.count} the second time`;
  throw brokenChain(chain, `it had ${counts}`);
}
