import type { DirectoryId } from '@rollcall/shared/core/ids';
import { readCount, readFields, readId, readList, readText } from '../answer-fields.ts';
import { DirectoryError } from '../directory-error.ts';
import type { HttpAnswer, HttpClient } from '../http-client.ts';
import type { VendorRefusal } from '../http-failure.ts';
import { brokenChain, type ChainPage, type PageChain, readChain } from '../page-chain.ts';

/** A collection of Microsoft Graph. */
export interface GraphCollection {
  /** Such as `/v1.0/users`. */
  readonly path: string;
  readonly select: string;
  readonly pageSize: number;
}

/** What follows the version is counted by an index of its own, which Graph asks to be named. */
const COUNTED = { consistencylevel: 'eventual' };

/**
 * Reads a collection to its end, and counts it before and after: a page that was cut short
 * shows in nothing else. As many rows as one of the counts, or between them, are whole: the
 * people who came or went meanwhile. Throws `DirectoryError`.
 */
export async function* readCounted(
  http: HttpClient,
  collection: GraphCollection,
  signal: AbortSignal,
): AsyncGenerator<ChainPage> {
  const before = await countRows(http, collection, signal);
  let rows = 0;
  for await (const page of readChain(graphChain(http, collection), signal)) {
    rows += page.rows.length;
    if (page.next === null) {
      const after = await countRows(http, collection, signal);
      if (rows < Math.min(before, after) || rows > Math.max(before, after)) {
        const counts = before === after ? `${before}` : `${before} and ${after}`;
        throw brokenChain(collection, `Graph counted ${counts} rows, and it had ${rows}`);
      }
    }
    yield page;
  }
}

/** Pages by `@odata.nextLink`, which is followed as it stands. */
function graphChain(http: HttpClient, { path, select, pageSize }: GraphCollection): PageChain {
  return {
    path,
    pageSize,
    proof: 'total',
    idOf: (fields, where): DirectoryId => readId(fields.id, where),
    read: async (position, size, signal) => {
      const query = { $select: select, $top: String(size) };
      const { body } = await http.send(
        position === null ? { target: path, query } : { target: position },
        signal,
      );
      const fields = readFields(body, `the answer of ${path}`);
      const rows = readList(fields.value, `value of ${path}`);
      const link = fields['@odata.nextLink'] ?? null;
      const next = link === null ? null : readText(link, `@odata.nextLink of ${path}`);
      return { rows, next };
    },
  };
}

async function countRows(
  http: HttpClient,
  { path }: GraphCollection,
  signal: AbortSignal,
): Promise<number> {
  const query = { $count: 'true', $top: '1', $select: 'id' };
  const { body } = await http.send({ target: path, query, headers: COUNTED }, signal);
  const count = readFields(body, `the count of ${path}`)['@odata.count'];
  return readCount(count, `@odata.count of ${path}`);
}

/** Graph's own code in an error, such as `Authorization_RequestDenied`; null where it has none. */
export function graphCodeOf({ mediaType, body }: HttpAnswer): string | null {
  if (mediaType !== 'application/json' || typeof body !== 'object' || body === null) return null;
  const error: unknown = Reflect.get(body, 'error');
  if (typeof error !== 'object' || error === null) return null;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : null;
}

/** For the HTTP client: the code goes into the message, and an expired page says what it is. */
export function readGraphRefusal(answer: HttpAnswer): VendorRefusal {
  const code = graphCodeOf(answer);
  if (code === null) return {};
  return EXPIRED.test(code) ? { code, fault: 'cursor_broken' } : { code };
}

const EXPIRED = /^(?:Directory_ExpiredPageToken|syncStateNotFound|resyncRequired)$/i;

/** Graph's own words for "no such object". */
const NOT_FOUND = 'Request_ResourceNotFound';

/**
 * Whether a 404 is Graph's own. Throws `DirectoryError` where it is another one: a proxy
 * and a wrong host answer 404 too.
 */
export function saysNotFound(answer: HttpAnswer): boolean {
  if (answer.status !== 404) return false;
  if (graphCodeOf(answer) === NOT_FOUND) return true;
  const message = `Expected the error ${NOT_FOUND} with 404, received another 404.`;
  throw new DirectoryError('request_failed', message, { refusal: 'gone' });
}
