import type { Summary } from './statistics.ts';

/** A number with three significant digits: more would claim more than was measured. */
export function figure(value: number): string {
  if (value === 0) return '0';
  const rounded = Number(value.toPrecision(3));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded))));
  return rounded.toLocaleString('en-US', {
    minimumFractionDigits: Math.min(digits, 4),
    maximumFractionDigits: Math.min(digits, 4),
  });
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

/** The middle half of a sample. */
export function spread({ q1, q3 }: Summary): string {
  return `${figure(q1)}–${figure(q3)}`;
}
