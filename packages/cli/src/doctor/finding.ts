import { codeOf } from '@rollcall/shared/core/errors';
import type { ConnectionId } from '@rollcall/shared/core/ids';
import { describeFailure } from '../failure.ts';

/** How bad it is: a fault keeps people out, or leavers in, or soon will. */
export type Verdict = 'ok' | 'warning' | 'fault';

/** One line of an examination. */
export interface Finding {
  /** What was looked at: `database`, `certificate` … */
  readonly check: string;
  readonly verdict: Verdict;
  /** What is so, with what was expected and received where they differ. No secret. */
  readonly message: string;
  /** Stable, and explained in docs/errors.md; null where all is well. */
  readonly code: string | null;
  /** What to do about it; null where all is well. */
  readonly cure: string | null;
}

/** The findings about the house itself, or about one connection. */
export interface Section {
  /** Null: the house. */
  readonly connection: ConnectionId | null;
  readonly findings: readonly Finding[];
}

/** All is well. */
export function ok(check: string, message: string): Finding {
  return { check, verdict: 'ok', message, code: null, cure: null };
}

/** Something is wrong that somebody has to do something about. */
export function wrong(
  verdict: 'warning' | 'fault',
  check: string,
  said: { readonly code: string; readonly message: string; readonly cure: string },
): Finding {
  return { check, verdict, ...said };
}

/**
 * The fault that an error is.
 *
 * @param cure what to do, where the error's own sentence does not say it.
 */
export function faultOf(check: string, error: unknown, cure: string): Finding {
  const { code, message, detail } = describeFailure(error);
  const reason = typeof detail?.reason === 'string' ? ` (${detail.reason})` : '';
  return { check, verdict: 'fault', code, message: `${message}${reason}`, cure };
}

/** How long any one check may take, in milliseconds: a doctor who waits for ever finds nothing. */
export const PATIENCE_MS = 15_000;

/**
 * Runs a check; one that throws or hangs is a fault of its own and ends no other.
 *
 * @param cureOf what to do about an error, by its code.
 */
export async function examined(
  check: string,
  cureOf: (code: string) => string,
  work: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    const message = `expected an answer within ${PATIENCE_MS / 1000} s, received none`;
    const code = 'doctor.timed_out';
    const finding = wrong('fault', check, { code, message, cure: cureOf(code) });
    timer = setTimeout(() => resolve([finding]), PATIENCE_MS);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    return [faultOf(check, error, cureOf(codeOf(error)))];
  } finally {
    clearTimeout(timer);
  }
}
