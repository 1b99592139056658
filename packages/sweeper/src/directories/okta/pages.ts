import { readId, readList } from '../answer-fields.ts';
import { DirectoryError } from '../directory-error.ts';
import type { HttpClient } from '../http-client.ts';
import { readLinks } from '../link-header.ts';
import type { PageChain } from '../page-chain.ts';

/** A collection of Okta's management API: a bare list, and the next page in `Link`. */
export function oktaChain(
  http: HttpClient,
  path: string,
  pageSize: number,
  query: Readonly<Record<string, string>> = {},
): PageChain {
  return {
    path,
    pageSize,
    proof: 'full_pages',
    idOf: (fields, where) => readId(fields.id, where),
    read: async (position, size, signal) => {
      const first = { target: path, query: { ...query, limit: String(size) } };
      const { body, headers } = await http.send(
        position === null ? first : { target: position },
        signal,
      );
      const rows = readList(body, `the answer of ${path}`);
      const links = readLinks(headers.get('link'));
      // Okta's pages name themselves too: where that is gone, so may be the next one.
      if (!links.has('self')) {
        const message = `A page of ${path} came without its link to itself: expected Okta's header Link, received none.`;
        throw new DirectoryError('cursor_broken', message);
      }
      return { rows, next: links.get('next') ?? null };
    },
  };
}
