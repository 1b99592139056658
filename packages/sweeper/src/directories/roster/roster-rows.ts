import { Readable } from 'node:stream';
import type { RosterFormat } from '@rollcall/shared/config/schema/roster';
import { CsvError, parse } from 'csv-parse';
import { DirectoryError } from '../directory-error.ts';
import {
  mergeProofs,
  NO_PROOF,
  type RosterProof,
  readAsOf,
  readRows,
  readStatement,
} from './roster-proof.ts';
import { toText } from './roster-source.ts';

/** One person of a roster as it is written: text from CSV, anything from JSON. */
export interface RosterRow {
  /** Where it stands, for people: a line or an index. */
  readonly at: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A roster taken apart. */
export interface RosterRows {
  /** What the roster says of itself, at its end or around its people. */
  readonly within: RosterProof;
  /** Throws `DirectoryError` at the first row that cannot be read. */
  rows(): AsyncIterable<RosterRow>;
}

export const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t' } as const;

/** No row of a roster is longer, in characters. */
const LONGEST_ROW = 1024 * 1024;
const NEWLINE = 0x0a;
/** So many bytes are parsed at a time: memory stays near the size of the file. */
const SLICE = 64 * 1024;

/** Takes a roster apart. Throws `DirectoryError` where it is not of that format at all. */
export function openRows(
  bytes: Uint8Array,
  format: RosterFormat,
  {
    delimiter,
    idColumn,
  }: { readonly delimiter: keyof typeof DELIMITERS; readonly idColumn: string },
): RosterRows {
  switch (format) {
    case 'csv':
      return csvRows(bytes, DELIMITERS[delimiter]);
    case 'ndjson':
      return ndjsonRows(bytes, idColumn);
    case 'json':
      return jsonRows(bytes);
    default:
      return format satisfies never;
  }
}

/** RFC 4180. Lines at the end such as `# rows: 1234` are no people, and speak of the whole. */
function csvRows(bytes: Uint8Array, delimiter: string): RosterRows {
  const { body, within } = cutTrailer(bytes);
  return {
    within,
    rows: async function* () {
      const parser = parse({
        bom: true,
        delimiter,
        columns: (header: string[]) => requireDistinct(header),
        skip_empty_lines: true,
        max_record_size: LONGEST_ROW,
        info: true,
        encoding: 'utf8',
      });
      requireUtf8(body);
      const source = Readable.from(slices(body));
      source.once('error', (error) => parser.destroy(error));
      try {
        for await (const { record, info } of source.pipe(parser)) {
          yield { at: `line ${info.lines}`, fields: record };
        }
      } catch (error) {
        if (!(error instanceof CsvError)) throw error;
        const line = 'lines' in error ? ` at line ${String(error.lines)}` : '';
        throw new DirectoryError('malformed_answer', `The roster is no CSV${line}: ${error.code}.`);
      }
    },
  };
}

/** The parser would put U+FFFD for whatever is no UTF-8, and an id would be another. */
function requireUtf8(bytes: Uint8Array): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for (const slice of slices(bytes)) decoder.decode(slice, { stream: true });
    decoder.decode();
  } catch {
    throw new DirectoryError('malformed_answer', 'The roster is not UTF-8 text.');
  }
}

function* slices(bytes: Uint8Array): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += SLICE) {
    yield Buffer.from(bytes.subarray(from, from + SLICE));
  }
}

/** The statements at the end, and what is left without them. */
function cutTrailer(bytes: Uint8Array): { body: Uint8Array; within: RosterProof } {
  let body = bytes;
  let within = NO_PROOF;
  for (;;) {
    const { text, start } = lastLine(body);
    const stated = text === '' ? NO_PROOF : readTrailer(text);
    if (stated === null || start === body.length) return { body, within };
    within = mergeProofs(within, stated);
    body = body.subarray(0, start);
  }
}

/** Without its `#` a line could be a person's. */
function readTrailer(line: string): RosterProof | null {
  return line.startsWith('#') || line.startsWith('"#')
    ? readStatement(line.replace(/^"#/, '#').replace(/"$/, ''))
    : null;
}

function lastLine(bytes: Uint8Array): { text: string; start: number } {
  const end = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  const start = bytes.lastIndexOf(NEWLINE, end - 1) + 1;
  const line = bytes.subarray(start, Math.min(end, start + 200));
  return { text: new TextDecoder().decode(line).trim(), start };
}

function requireDistinct(header: readonly string[]): string[] {
  const names = header.map((name) => name.trim());
  const twice = names.find((name, index) => name !== '' && names.indexOf(name) !== index);
  if (twice === undefined) return names;
  throw new DirectoryError(
    'malformed_answer',
    `Expected each column once, received ${JSON.stringify(twice.slice(0, 60))} twice.`,
  );
}

/** One object on each line; a last one with `rows` or `as_of`, and no id, speaks of the whole. */
function ndjsonRows(bytes: Uint8Array, idColumn: string): RosterRows {
  const lines = toText(bytes, 'The roster')
    .split('\n')
    .map((line, index) => ({ text: line.trim(), at: `line ${index + 1}` }))
    .filter(({ text }) => text !== '');
  const last = lines.at(-1);
  const end = last === undefined ? null : parseJson(last.text, last.at);
  const isPerson = typeof end === 'object' && end !== null && Object.hasOwn(end, idColumn);
  const trailer = isPerson ? null : statementsIn(end);
  const people = trailer === null ? lines : lines.slice(0, -1);
  return {
    within: trailer ?? NO_PROOF,
    rows: async function* () {
      for (const { text, at } of people) {
        yield { at, fields: requireObject(parseJson(text, at), at) };
      }
    },
  };
}

/** A list of objects, or `{ "rows": 2, "as_of": "…", "people": [ … ] }`. */
function jsonRows(bytes: Uint8Array): RosterRows {
  const value = parseJson(toText(bytes, 'The roster'), 'the roster');
  const whole = Array.isArray(value) ? { people: value } : requireObject(value, 'the roster');
  const { people } = whole;
  if (!Array.isArray(people)) {
    throw new DirectoryError(
      'malformed_answer',
      'Expected a list of people, or an object with people, received another.',
    );
  }
  return {
    within: statementsIn(whole) ?? NO_PROOF,
    rows: async function* () {
      for (const [index, person] of people.entries()) {
        const at = `people[${index}]`;
        yield { at, fields: requireObject(person, at) };
      }
    },
  };
}

/** What an object says of the roster; null where it says nothing of it. */
function statementsIn(value: unknown): RosterProof | null {
  if (typeof value !== 'object' || value === null) return null;
  const rows: unknown = Reflect.get(value, 'rows');
  const asOf: unknown = Reflect.get(value, 'as_of');
  if (rows === undefined) return asOf === undefined ? null : { ...NO_PROOF, asOf: readAsOf(asOf) };
  const proof = { ...NO_PROOF, rows: readRows(rows) };
  return asOf === undefined ? proof : { ...proof, asOf: readAsOf(asOf) };
}

function parseJson(text: string, at: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new DirectoryError('malformed_answer', `Expected JSON in ${at}, received another text.`);
  }
}

function requireObject(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new DirectoryError('malformed_answer', `Expected an object in ${at}, received another.`);
}
