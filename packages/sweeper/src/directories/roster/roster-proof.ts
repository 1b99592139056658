import { type EpochMs, toEpochMs } from '@rollcall/shared/core/time';
import { DirectoryError } from '../directory-error.ts';

/** What comes beside a roster, or at its end, and says what it must be. */
export interface RosterProof {
  /** SHA-256 of the file, hexadecimal; null where this part does not say it. */
  readonly sha256: string | null;
  /** How many people it must list; null where this part does not say it. */
  readonly rows: number | null;
  /** The date that it has of itself; null where this part does not say it. */
  readonly asOf: EpochMs | null;
}

export const NO_PROOF: RosterProof = { sha256: null, rows: null, asOf: null };

// As `sha256sum` writes it: the digest, a space, a space or `*`, the name.
const CHECKSUM = /^([0-9a-f]{64})(?:[ \t]+\S.*)?$/i;
const STATEMENT = /^#?[ \t]*(rows|as_of)[ \t]*[:=,;\t ][ \t]*"?([^"\s,;]+)"?[\s,;]*$/i;

/**
 * Reads the file beside a roster: a line as `sha256sum` writes it, and `rows 1234` and
 * `as_of 2026-11-25T02:00:00Z` where they are given. Throws `DirectoryError` for any other
 * line, and where there is no checksum.
 */
export function readChecksumFile(text: string): RosterProof {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  let proof = NO_PROOF;
  for (const line of lines) {
    const stated = readStatement(line) ?? readDigest(line);
    if (stated === null) {
      throw new DirectoryError(
        'malformed_answer',
        'Expected lines as sha256sum writes them, rows N and as_of TIME beside the roster, received another.',
      );
    }
    proof = mergeProofs(proof, stated);
  }
  if (proof.sha256 !== null) return proof;
  throw new DirectoryError(
    'malformed_answer',
    'Expected a SHA-256 checksum beside the roster, received none.',
  );
}

/** `# rows: 1234` or `as_of,2026-11-25T02:00:00Z`; null where a line is neither. Throws `DirectoryError`. */
export function readStatement(line: string): RosterProof | null {
  const parts = STATEMENT.exec(line);
  const [name, value] = [parts?.[1]?.toLowerCase(), parts?.[2]];
  if (name === undefined || value === undefined) return null;
  return name === 'rows'
    ? { ...NO_PROOF, rows: readRows(value) }
    : { ...NO_PROOF, asOf: readAsOf(value) };
}

/** Throws `DirectoryError`. */
export function readRows(value: unknown): number {
  const rows = typeof value === 'string' && /^[0-9]{1,9}$/.test(value) ? Number(value) : value;
  if (typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0) return rows;
  throw new DirectoryError(
    'malformed_answer',
    'Expected a number of rows with the roster, received something else.',
  );
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** Throws `DirectoryError`. */
export function readAsOf(value: unknown): EpochMs {
  const at = typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isSafeInteger(at)) return toEpochMs(at);
  throw new DirectoryError(
    'malformed_answer',
    'Expected as_of with the roster as a time with its zone (2026-11-25T02:00:00Z), received something else.',
  );
}

/** What two parts say together. Throws `DirectoryError` where they contradict each other. */
export function mergeProofs(one: RosterProof, other: RosterProof): RosterProof {
  return {
    sha256: agreed('checksum', one.sha256, other.sha256),
    rows: agreed('number of rows', one.rows, other.rows),
    asOf: agreed('date', one.asOf, other.asOf),
  };
}

function agreed<T extends string | number>(what: string, one: T | null, other: T | null): T | null {
  if (one === null || other === null || one === other) return one ?? other;
  throw new DirectoryError(
    'malformed_answer',
    `Expected one ${what} with the roster, received ${one} and ${other}.`,
  );
}

function readDigest(line: string): RosterProof | null {
  const sha256 = CHECKSUM.exec(line)?.[1]?.toLowerCase();
  return sha256 === undefined ? null : { ...NO_PROOF, sha256 };
}
