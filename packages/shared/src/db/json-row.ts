/** A row as `to_json` writes it: points in time are text (ISO 8601). */
export type JsonRow<Row> = {
  readonly [Column in keyof Row]: Date extends Row[Column]
    ? Exclude<Row[Column], Date> | string
    : Row[Column];
};

/** Reads such a row as the driver would have. Every column that is a point in time ends in `_at`. */
export function fromJsonRow<Row extends object>(row: JsonRow<Row>): Row {
  const columns = Object.entries(row).map(([name, value]) => {
    return [name, name.endsWith('_at') && typeof value === 'string' ? new Date(value) : value];
  });
  return Object.fromEntries(columns) as Row;
}
