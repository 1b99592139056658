import * as z from 'zod';
import { count, duration, list, mapping, name, oneOf } from './fields.ts';
import { filePath, secretReference } from './references.ts';
import { fileUrl } from './urls.ts';

/** How a roster is written. */
export const ROSTER_FORMATS = ['csv', 'json', 'ndjson'] as const;
export type RosterFormat = (typeof ROSTER_FORMATS)[number];

const MIB = 1024 * 1024;

/** A list of people in a file or at an address, as the directory of a connection. */
export function roster(baseDir: string) {
  return mapping({
    type: z.literal('roster'),
    url: fileUrl().optional(),
    file: filePath(baseDir).optional(),
    checksum_url: fileUrl().optional(),
    checksum_file: filePath(baseDir).optional(),
    token: secretReference(baseDir).optional(),
    format: oneOf(ROSTER_FORMATS).default('csv'),
    delimiter: oneOf(['comma', 'semicolon', 'tab']).default('comma'),
    columns: columnsSchema(),
    groups_split: name('what stands between groups', 3).default(';'),
    active_words: list(name('a word', 64), 'a list of words').default([]),
    inactive_words: list(name('a word', 64), 'a list of words').default([]),
    count: oneOf(['required', 'optional']).default('required'),
    valid_for: duration('1h', '90d').prefault('36h'),
    max_mib: count(1, 512).default(64),
    timeout: duration('1s', '5m').prefault('60s'),
  }).transform((given, context) => {
    const place = placeOf(given);
    if (place === null) {
      context.issues.push({
        code: 'custom',
        input: undefined,
        message: 'expected one of url and file, and checksum_url or token only beside url',
        params: { code: 'config.conflict' },
      });
      return z.NEVER;
    }
    return {
      type: given.type,
      place,
      /** Sent as a bearer token; null: none. */
      token: given.token ?? null,
      format: given.format,
      delimiter: given.delimiter,
      columns: given.columns,
      groupsSplit: given.groups_split,
      activeWords: given.active_words,
      inactiveWords: given.inactive_words,
      /** Whether a roster without a number of rows is refused. */
      countRequired: given.count === 'required',
      validForMs: given.valid_for,
      maxBytes: given.max_mib * MIB,
      timeoutMs: given.timeout,
    };
  });
}

function columnsSchema() {
  const column = () => name('the name of a column');
  return mapping({
    id: column(),
    active: column().optional(),
    groups: column().optional(),
    label: column().optional(),
  }).transform((columns) => ({
    id: columns.id,
    /** Null: whoever is listed is active. */
    active: columns.active ?? null,
    /** Null: groups are not told. */
    groups: columns.groups ?? null,
    label: columns.label ?? null,
  }));
}

/** Where a roster and its checksum are: both at addresses, or both files. */
export type RosterPlace =
  | { readonly kind: 'url'; readonly roster: string; readonly checksum: string }
  | { readonly kind: 'file'; readonly roster: string; readonly checksum: string };

/** Beside the roster, `.sha256` after its name, unless it is said otherwise. */
function placeOf(given: {
  readonly url?: string | undefined;
  readonly file?: string | undefined;
  readonly checksum_url?: string | undefined;
  readonly checksum_file?: string | undefined;
  readonly token?: unknown;
}): RosterPlace | null {
  const { url, file } = given;
  if (url !== undefined && file === undefined && given.checksum_file === undefined) {
    return { kind: 'url', roster: url, checksum: given.checksum_url ?? `${url}.sha256` };
  }
  const bare = given.checksum_url === undefined && given.token === undefined;
  if (file === undefined || url !== undefined || !bare) return null;
  return { kind: 'file', roster: file, checksum: given.checksum_file ?? `${file}.sha256` };
}
