import { printable } from './printable.ts';

/** A cell: what is shown, and how it is coloured once its width is known. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/**
 * Rows as aligned columns, two spaces apart, each line without blanks at its end.
 * The width of a text is counted in characters as a terminal draws most of them.
 */
export function renderTable(rows: readonly (readonly (Cell | string)[])[]): string {
  const cells = rows.map((row) => row.map(toCell));
  const columns = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...cells.map((row) => widthOf(row[column]?.text ?? ''))),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) => {
          const last = column === row.length - 1;
          const gap = ' '.repeat((widths[column] ?? 0) - widthOf(cell.text));
          return `${cell.paint?.(cell.text) ?? cell.text}${last ? '' : gap}`;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function toCell(cell: Cell | string): Cell {
  if (typeof cell === 'string') return { text: printable(cell) };
  return { ...cell, text: printable(cell.text) };
}

/** Combining marks take no room, East Asian and pictographic characters take two columns. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (/\p{Mn}|\p{Me}/u.test(letter)) continue;
    width += WIDE.test(letter) ? 2 : 1;
  }
  return width;
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\uff01-\uff60]/u;
