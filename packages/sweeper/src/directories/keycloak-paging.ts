import { type Fields, readFields, readId, readList } from './answer-fields.ts';
import { DirectoryError } from './directory-error.ts';
import type { HttpClient } from './http-client.ts';
import { SeenIds } from './seen-ids.ts';

/** A collection of the Admin REST API that is read by `first` and `max`. */
export interface OffsetListing {
  readonly http: HttpClient;
  readonly path: string;
  /** Rows to ask for on a page; at least 2. */
  readonly pageSize: number;
}

/** Rows with ids that no other row of the listing has. */
export interface OffsetPage {
  readonly rows: readonly Fields[];
  /** The next offset; null on the last page. */
  readonly next: number | null;
}

/**
 * Reads a collection to its end, which is an empty page: permissions and LDAP
 * federation make Keycloak shorten pages that are not the last.
 *
 * An offset skips a row for each row that leaves before it. So every page after
 * a full one begins with the last row of that one, and the listing is thrown
 * away as `cursor_broken` where it does not.
 */
export async function* readByOffset(
  listing: OffsetListing,
  signal: AbortSignal,
): AsyncGenerator<OffsetPage> {
  const { path, pageSize } = listing;
  const seen = new SeenIds();
  let anchor: string | null = null;
  for (let first = 0; ; ) {
    const page = await readPage(listing, first, signal);
    const rows = anchor === null ? page : afterAnchor(page, anchor, path);
    for (const { id } of rows) {
      if (!seen.add(id)) throw broken(path, `received ${JSON.stringify(id)} twice`);
    }
    const full = page.length === pageSize;
    if (page.length > pageSize) {
      throw broken(path, `asked for ${pageSize} rows, received ${page.length}`);
    }
    anchor = full ? (page.at(-1)?.id ?? null) : null;
    first += full ? pageSize - 1 : pageSize;
    const next = page.length === 0 ? null : first;
    yield { rows: rows.map(({ fields }) => fields), next };
    if (next === null) return;
  }
}

interface Row {
  readonly id: string;
  readonly fields: Fields;
}

async function readPage(
  { http, path, pageSize }: OffsetListing,
  first: number,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const query = { briefRepresentation: 'true', first: String(first), max: String(pageSize) };
  const { body } = await http.send({ target: path, query }, signal);
  return readList(body, `the answer of ${path}`).map((value, index) => {
    const where = `row ${index + 1} of a page of ${path}`;
    const fields = readFields(value, where);
    return { id: readId(fields.id, where), fields };
  });
}

function afterAnchor(page: readonly Row[], anchor: string, path: string): readonly Row[] {
  const [repeated, ...rest] = page;
  if (repeated?.id === anchor) return rest;
  throw broken(path, 'rows came or went between two pages');
}

function broken(path: string, what: string): DirectoryError {
  return new DirectoryError('cursor_broken', `The listing of ${path} cannot be whole: ${what}.`);
}
