import { DirectoryError } from '../directory-error.ts';
import type { LdapConnection } from './connection.ts';
import { type LdapEntry, textsOf } from './entry.ts';
import { searchOnce } from './search.ts';

const RANGE = /;range=([0-9]+)-([0-9]+|\*)$/;

/**
 * All values of an attribute. Active Directory hands out 1,500 at a time, under a name
 * that says which (`member;range=0-1499`, MS-ADTS §3.1.1.3.1.3.3), and the rest when
 * asked. Throws `DirectoryError` where the entry has gone meanwhile.
 */
export async function readAllValues(
  connection: LdapConnection,
  entry: LdapEntry,
  attribute: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  let values = textsOf(entry, attribute);
  if (values.length > 0) return values;
  let part = findPart(entry, attribute);
  while (part !== null) {
    values = [...values, ...part.values];
    if (part.last === null) break;
    const next = part.last + 1;
    const wanted = [`${attribute};range=${next}-*`];
    const search = {
      base: entry.dn,
      scope: 'base',
      filter: '(objectClass=*)',
      attributes: wanted,
    } as const;
    const [more] = await searchOnce(connection, search, signal);
    part = more === undefined ? null : findPart(more, attribute);
    if (part === null || part.first !== next) {
      throw new DirectoryError(
        'cursor_broken',
        `Expected more of ${attribute} from ${next}, received none.`,
      );
    }
  }
  return values;
}

interface Part {
  readonly first: number;
  /** Null where these are the last values. */
  readonly last: number | null;
  readonly values: readonly string[];
}

function findPart(entry: LdapEntry, attribute: string): Part | null {
  const start = `${attribute.toLowerCase()};`;
  for (const name of entry.attributes.keys()) {
    const range = name.startsWith(start) ? RANGE.exec(name) : null;
    if (range === null) continue;
    const last = range[2] === '*' ? null : Number(range[2]);
    return { first: Number(range[1]), last, values: textsOf(entry, name) };
  }
  return null;
}
