const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(0|[1-9][0-9]*)([smhd])$/;

/** What a duration looks like, for error messages. */
export const DURATION_FORM = 'a duration such as 15s, 30m, 8h or 1d';

/**
 * Reads `15s`, `30m`, `8h` or `1d` as milliseconds. Null where the text is
 * anything else, or too long to count in whole milliseconds.
 */
export function parseDuration(text: string): number | null {
  const parts = DURATION.exec(text);
  if (parts === null) return null;
  const durationMs = Number(parts[1]) * UNIT_MS[parts[2] as keyof typeof UNIT_MS];
  return Number.isSafeInteger(durationMs) ? durationMs : null;
}

/** Writes milliseconds in the largest unit that divides them: 3,600,000 becomes `1h`. */
export function formatDuration(durationMs: number): string {
  const unit = (['d', 'h', 'm'] as const).find((u) => durationMs % UNIT_MS[u] === 0);
  if (durationMs === 0 || unit === undefined) return `${durationMs / UNIT_MS.s}s`;
  return `${durationMs / UNIT_MS[unit]}${unit}`;
}
