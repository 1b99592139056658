/** A table of results, for Markdown. */
export interface Table {
  readonly title: string;
  /** A sentence above it; empty where there is none. */
  readonly about: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Writes a Markdown table; the first column is text, the others are numbers. */
export function renderTable({ head, rows }: Pick<Table, 'head' | 'rows'>): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(renderRow).join('\n');
}

function renderRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
