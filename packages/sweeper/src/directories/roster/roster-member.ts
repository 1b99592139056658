import type { DirectoryMember } from '@rollcall/shared/core/evidence';
import { toDirectoryId } from '@rollcall/shared/core/ids';
import { DirectoryError } from '../directory-error.ts';
import type { RosterRow } from './roster-rows.ts';

/** What stands where in a roster. */
export interface RosterShape {
  readonly columns: {
    readonly id: string;
    /** Null: whoever is listed is active. */
    readonly active: string | null;
    /** Null: groups are not told. */
    readonly groups: string | null;
    readonly label: string | null;
  };
  /** What stands between groups in one text. */
  readonly groupsSplit: string;
  /** In lower case, besides the usual ones. */
  readonly activeWords: ReadonlySet<string>;
  readonly inactiveWords: ReadonlySet<string>;
}

const ACTIVE = new Set(['true', 'yes', 'y', '1', 'active', 'enabled']);
const INACTIVE = new Set(['false', 'no', 'n', '0', 'inactive', 'disabled', 'terminated']);

/**
 * The person of a row. Whatever cannot be told is thrown and never guessed: a column that
 * is not there, an id that is none, a word that is neither active nor inactive.
 * Throws `DirectoryError`.
 */
export function toRosterMember(row: RosterRow, shape: RosterShape): DirectoryMember {
  const { columns } = shape;
  const active = columns.active === null || isActive(row, columns.active, shape);
  return {
    id: idOf(row, columns.id),
    standing: active ? 'present' : 'disabled',
    groups: columns.groups === null ? null : groupsOf(row, columns.groups, shape),
    label: columns.label === null ? null : labelOf(row, columns.label),
  };
}

function idOf(row: RosterRow, column: string): DirectoryMember['id'] {
  const value = fieldOf(row, column);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  try {
    if (typeof text === 'string') return toDirectoryId(text);
  } catch {
    // The message would quote whatever stands there.
  }
  throw wrongField(row, column, 'an id of 1 to 255 printable characters, without padding');
}

function isActive(row: RosterRow, column: string, shape: RosterShape): boolean {
  const value = fieldOf(row, column);
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const said = word.trim().toLowerCase();
  if (shape.activeWords.has(said)) return true;
  if (shape.inactiveWords.has(said)) return false;
  if (ACTIVE.has(said)) return true;
  if (INACTIVE.has(said)) return false;
  throw wrongField(row, column, 'a word that means active or inactive (see active_words)');
}

/** An empty text is no group; null in JSON is not told. */
function groupsOf(
  row: RosterRow,
  column: string,
  { groupsSplit }: RosterShape,
): readonly string[] | null {
  const value = fieldOf(row, column);
  if (value === null) return null;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) {
    return value.filter((group) => group !== '');
  }
  if (typeof value !== 'string') throw wrongField(row, column, 'a list of groups, or text');
  return value
    .split(groupsSplit)
    .map((group) => group.trim())
    .filter((group) => group !== '');
}

function labelOf(row: RosterRow, column: string): string | null {
  const value = fieldOf(row, column);
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 256) : null;
}

function fieldOf({ at, fields }: RosterRow, column: string): unknown {
  if (Object.hasOwn(fields, column)) return fields[column];
  throw new DirectoryError(
    'malformed_answer',
    `Expected ${JSON.stringify(column)} in ${at} of the roster, received none (is it another name, or another delimiter?).`,
  );
}

function wrongField({ at }: RosterRow, column: string, expected: string): DirectoryError {
  return new DirectoryError(
    'malformed_answer',
    `Expected ${expected} in ${JSON.stringify(column)}, ${at} of the roster, received another.`,
  );
}
