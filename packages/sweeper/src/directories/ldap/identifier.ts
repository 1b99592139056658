import { type DirectoryId, toDirectoryId } from '@rollcall/shared/core/ids';
import { EqualityFilter } from 'ldapts';
import { DirectoryError } from '../directory-error.ts';
import { type LdapEntry, textOf, valuesOf } from './entry.ts';

/**
 * How the immutable id is written: `text` as it is (entryUUID, nsUniqueId); the bytes
 * of objectGUID as Microsoft writes them (`guid`, whose first three parts are reversed),
 * or as AD FS sends them in a claim (`base64`), or as they stand (`hex`).
 */
export type IdFormat = 'text' | 'guid' | 'base64' | 'hex';

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const GUID_BYTES = 16;

/** The id of an entry. Throws `DirectoryError` where it has none, or several. */
export function readIdentifier(entry: LdapEntry, attribute: string, format: IdFormat): DirectoryId {
  if (format === 'text') {
    const text = textOf(entry, attribute);
    if (text !== null && text.trim() === text && text !== '') return toDirectoryId(text);
    throw malformed(attribute, 'a text without padding');
  }
  const [bytes, more] = valuesOf(entry, attribute);
  if (bytes === undefined || more !== undefined) throw malformed(attribute, 'one value');
  if (format !== 'guid') return toDirectoryId(bytes.toString(format));
  if (bytes.length !== GUID_BYTES) throw malformed(attribute, `${GUID_BYTES} bytes`);
  return toDirectoryId(writeGuid(bytes));
}

/** Asks for exactly one id, or null where no entry could have it: it is not of the format. */
export function filterForIdentifier(
  attribute: string,
  id: DirectoryId,
  format: IdFormat,
): EqualityFilter | null {
  const value = bytesOf(id, format);
  return value === null ? null : new EqualityFilter({ attribute, value });
}

function bytesOf(id: string, format: IdFormat): Buffer | string | null {
  if (format === 'text') return id;
  if (format === 'guid') return GUID.test(id) ? readGuid(id) : null;
  const bytes = Buffer.from(id, format);
  return bytes.length > 0 && bytes.toString(format) === id ? bytes : null;
}

/** MS-DTYP §2.3.4.2: the first three parts are little-endian, the rest is as it stands. */
function writeGuid(bytes: Buffer): string {
  const hex = swap(bytes).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

function readGuid(text: string): Buffer {
  return swap(Buffer.from(text.replaceAll('-', ''), 'hex'));
}

/** Its own inverse. */
function swap(bytes: Buffer): Buffer {
  const swapped = Buffer.from(bytes);
  swapped.subarray(0, 4).reverse();
  swapped.subarray(4, 6).reverse();
  swapped.subarray(6, 8).reverse();
  return swapped;
}

function malformed(attribute: string, expected: string): DirectoryError {
  return new DirectoryError(
    'malformed_answer',
    `Expected ${expected} as ${attribute} of each person.`,
  );
}
