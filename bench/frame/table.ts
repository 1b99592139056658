/** A table of results, for Markdown. */
export interface Table {
  readonly title: string;
  /** A sentence above it; empty where there is none. */
  readonly about: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The shortest rule of Markdown. */
const MIN_WIDTH = 3;

/**
 * Writes a Markdown table; the first column is text, the others are numbers.
 * Columns are padded as the formatter of this project pads them.
 */
export function renderTable({ head, rows }: Pick<Table, 'head' | 'rows'>): string {
  const lines = [head, ...rows].map((cells) => cells.map(escapeCell));
  const widths = head.map((_, column) =>
    Math.max(MIN_WIDTH, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const [first, ...others] = lines.map((cells) =>
    widths.map((width, column) => {
      const cell = cells[column] ?? '';
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    }),
  );
  return [first ?? [], rule, ...others].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function escapeCell(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
