import type { DirectoryFault } from '@rollcall/sweeper/directories/port';
import type { Random } from './random.ts';
import { HOUR, MINUTE, SECOND } from './virtual-time.ts';

/** One thing that a directory does wrong while one sweep asks it. */
export type Fault =
  /** The listing fails at a page. */
  | { readonly kind: 'error'; readonly code: DirectoryFault; readonly page: number }
  /** It stops at a page, and calls that the last. */
  | { readonly kind: 'truncated'; readonly page: number }
  /** It stops at a page that is not the last. */
  | { readonly kind: 'no_last_page'; readonly page: number }
  /** A page comes twice, in place of the next or besides. */
  | { readonly kind: 'page_twice'; readonly page: number; readonly instead: boolean }
  /** Somebody before a page leaves the list, and one is skipped; or joins, and one comes twice. */
  | { readonly kind: 'shifted'; readonly page: number; readonly by: 'skip' | 'repeat' }
  /** Pages go round for ever; an adapter gives up. */
  | { readonly kind: 'cursor_repeats'; readonly page: number }
  | { readonly kind: 'cursor_expires'; readonly page: number }
  | { readonly kind: 'total_lies'; readonly by: number }
  | { readonly kind: 'zero_rows' }
  /** It takes its time: minutes for a page. */
  | { readonly kind: 'slow'; readonly msEach: number }
  /** Another scope after the listing than before. */
  | { readonly kind: 'scope_moves' }
  /** Another tenant's people, for this sweep alone. */
  | { readonly kind: 'wrong_tenant'; readonly told: boolean }
  /** A part of the people is not shown; look-ups of them say 404, or 403. */
  | { readonly kind: 'partial_permission'; readonly share: number; readonly lookUps: 404 | 403 }
  /** Whoever is asked for is not there: the canary neither. */
  | { readonly kind: 'blind_look_ups'; readonly after: number }
  | { readonly kind: 'no_look_ups'; readonly share: number }
  /** Some answers come from a copy that is behind. */
  | { readonly kind: 'stale'; readonly lagMs: number; readonly share: number }
  /** Some people are called disabled who are not. */
  | { readonly kind: 'falsely_disabled'; readonly count: number }
  /** Some people are nowhere to be found, listing and look-ups agree, the canary is. */
  | { readonly kind: 'falsely_gone'; readonly count: number }
  /** Groups are left out; or are empty for everybody. */
  | { readonly kind: 'groups_missing' }
  | { readonly kind: 'groups_empty'; readonly share: number };

export type FaultKind = Fault['kind'];

/**
 * The faults that no outsider can tell from the truth, because listing and look-ups agree
 * in them: what remains is bounded by the brake, and counted.
 */
export const CONSISTENT_LIES: ReadonlySet<FaultKind> = new Set([
  'partial_permission',
  'falsely_disabled',
  'falsely_gone',
  'groups_empty',
  'stale',
  'wrong_tenant',
]);

const ERRORS: readonly DirectoryFault[] = [
  'request_failed',
  'unauthorized',
  'forbidden',
  'rate_limited',
  'timed_out',
  'malformed_answer',
  'cursor_broken',
];

const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  error: 10,
  truncated: 8,
  no_last_page: 4,
  page_twice: 5,
  shifted: 7,
  cursor_repeats: 3,
  cursor_expires: 3,
  total_lies: 4,
  zero_rows: 4,
  slow: 6,
  scope_moves: 3,
  wrong_tenant: 4,
  partial_permission: 7,
  blind_look_ups: 7,
  no_look_ups: 9,
  stale: 8,
  falsely_disabled: 4,
  falsely_gone: 4,
  groups_missing: 4,
  groups_empty: 4,
};

/** Draws a fault. */
export function drawFault(random: Random): Fault {
  const kind = random.weighted(WEIGHTS);
  const page = random.int(0, 4);
  switch (kind) {
    case 'error':
      return { kind, code: random.pick(ERRORS), page };
    case 'truncated':
    case 'no_last_page':
    case 'cursor_repeats':
    case 'cursor_expires':
      return { kind, page };
    case 'page_twice':
      return { kind, page, instead: random.percent(50) };
    case 'shifted':
      return { kind, page, by: random.pick(['skip', 'repeat'] as const) };
    case 'total_lies':
      return { kind, by: random.pick([-3, -1, 1, 2, 10]) };
    case 'slow':
      return { kind, msEach: random.pick([20 * SECOND, 2 * MINUTE]) };
    case 'wrong_tenant':
      return { kind, told: random.percent(50) };
    case 'partial_permission':
      return {
        kind,
        share: random.pick([5, 10, 30, 60]),
        lookUps: random.pick([404, 403] as const),
      };
    case 'blind_look_ups':
      return { kind, after: random.pick([0, 0, 1, 2, 3]) };
    case 'no_look_ups':
      return { kind, share: random.pick([30, 50, 100]) };
    case 'stale':
      return {
        kind,
        lagMs: random.pick([MINUTE, 4 * MINUTE, HOUR]),
        share: random.pick([40, 100]),
      };
    case 'falsely_disabled':
    case 'falsely_gone':
      return { kind, count: random.pick([1, 2, 4, 12]) };
    case 'groups_empty':
      return { kind, share: random.pick([20, 100]) };
    case 'zero_rows':
    case 'scope_moves':
    case 'groups_missing':
      return { kind };
    default:
      throw new RangeError(kind satisfies never);
  }
}
