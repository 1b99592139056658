import { printableJson } from '@rollcall/shared/core/printable';
import pc from 'picocolors';

/** Functions that colour a text, or leave it as it is. */
export type Colors = ReturnType<typeof pc.createColors>;

/** Where a command writes: results to standard output, everything else to standard error. */
export interface Terminal {
  /** Standard output: the result. Plain functions where it is no terminal. */
  readonly colors: Colors;
  /** Columns of standard output; null where it is no terminal: do not cut anything. */
  readonly width: number | null;
  print(text: string): void;
  /** One JSON document on one line of standard output. */
  printJson(value: unknown): void;
  /** Standard error: complaints and progress. */
  complain(text: string): void;
  readonly complaintColors: Colors;
  /**
   * Writes a line to standard error in the place of the last one; an empty one takes it
   * away. Null where that is no terminal.
   */
  readonly updates: ((line: string) => void) | null;
}

/** A stream as {@link openTerminal} needs it. */
export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * The terminal over two streams. Colours only where a person looks and
 * `NO_COLOR` (no-color.org) is not set; `FORCE_COLOR` gives them anywhere.
 */
export function openTerminal(
  out: OutputStream,
  error: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  return {
    colors: pc.createColors(wantsColors(out, env)),
    width: out.isTTY === true ? (out.columns ?? 80) : null,
    print: (text) => void out.write(`${text}\n`),
    printJson: (value) => void out.write(`${printableJson(value)}\n`),
    complain: (text) => void error.write(`${text}\n`),
    complaintColors: pc.createColors(wantsColors(error, env)),
    updates:
      error.isTTY === true && env.TERM !== 'dumb'
        ? (line) => void error.write(`\r\u001b[2K${line.slice(0, (error.columns ?? 80) - 1)}`)
        : null,
  };
}

function wantsColors(
  stream: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if (isSet(env.NO_COLOR)) return false;
  if (isSet(env.FORCE_COLOR) && env.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && env.TERM !== 'dumb';
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
