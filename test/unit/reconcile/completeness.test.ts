import type { ListingProof } from '@rollcall/shared/core/evidence';
import { isShrunk, judge, type ListingContext } from '@rollcall/sweeper/reconcile/completeness';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minutes, STARTED, THIS_RUN } from './people.ts';

const PROOF: ListingProof = {
  rows: 100,
  distinctIds: 100,
  pages: 2,
  announcedTotal: 100,
  terminalPageSeen: true,
  fingerprintBefore: 'scope',
  fingerprintAfter: 'scope',
  asOf: null,
};
const CONTEXT: ListingContext = {
  runId: THIS_RUN,
  startedAt: STARTED,
  digest: 'd'.repeat(64),
  lastCompleteRows: 100,
  lastAsOf: null,
};

function judged(proof: Partial<ListingProof>, context: Partial<ListingContext> = {}) {
  return judge({ ...PROOF, ...proof }, { ...CONTEXT, ...context });
}

describe('judge', () => {
  it('calls a listing complete that proves everything', () => {
    expect(judged({})).toEqual({
      kind: 'complete',
      runId: THIS_RUN,
      startedAt: STARTED,
      rows: 100,
      digest: 'd'.repeat(64),
    });
  });

  it.each([
    ['zero_rows', { rows: 0, distinctIds: 0, announcedTotal: 0 }, {}, 'received 0'],
    ['no_terminal_page', { terminalPageSeen: false }, {}, '2 pages and 100 rows'],
    [
      'duplicate_ids',
      { distinctIds: 99 },
      {},
      'expected 100 different ids in 100 rows, received 99',
    ],
    ['count_mismatch', { announcedTotal: 101 }, {}, 'expected the 101 rows'],
    ['fingerprint_changed', { fingerprintAfter: 'other' }, {}, 'expected scope scope'],
    ['fingerprint_changed', { fingerprintBefore: '', fingerprintAfter: '' }, {}, 'none'],
    ['shrunk', {}, { lastCompleteRows: 112 }, 'expected at least 101 rows (90% of the last 112)'],
    ['malformed_answer', { rows: Number.NaN }, {}, 'NaN'],
    ['malformed_answer', { pages: 0 }, {}, 'above 0'],
  ] as const)('calls it partial: %s (%j)', (reason, proof, context, words) => {
    const snapshot = judged(proof, context);
    expect(snapshot).toMatchObject({ kind: 'partial', reason });
    expect(snapshot.kind === 'partial' && snapshot.explanation).toContain(words);
  });

  it('never proves anything with zero rows, whatever else holds', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.option(fc.nat()), fc.option(fc.nat()), (seen, total, last) => {
        const snapshot = judged(
          { rows: 0, distinctIds: 0, terminalPageSeen: seen, announcedTotal: total },
          { lastCompleteRows: last },
        );
        return snapshot.kind === 'partial' && snapshot.reason === 'zero_rows';
      }),
    );
  });

  it('speaks of the date that the listing has of itself, where that is older than its beginning', () => {
    const asOf = minutes(-300);
    expect(judged({ asOf })).toMatchObject({ kind: 'complete', startedAt: asOf });
    expect(judged({ asOf: minutes(3) })).toMatchObject({ kind: 'complete', startedAt: STARTED });
    // The same roster again is no news, and one from before proves nothing.
    expect(judged({ asOf }, { lastAsOf: asOf })).toMatchObject({ kind: 'complete' });
    expect(judged({ asOf }, { lastAsOf: minutes(-299) })).toMatchObject({
      kind: 'partial',
      reason: 'went_back',
      explanation: expect.stringContaining('1 min older'),
    });
  });

  it('is complete only where no proof is broken', () => {
    const proofs = fc.record({
      rows: fc.integer({ min: 0, max: 40 }),
      distinctIds: fc.integer({ min: 0, max: 40 }),
      pages: fc.integer({ min: 0, max: 3 }),
      announcedTotal: fc.option(fc.integer({ min: 0, max: 40 })),
      terminalPageSeen: fc.boolean(),
      fingerprintBefore: fc.constantFrom('a', 'b'),
      fingerprintAfter: fc.constantFrom('a', 'b'),
      asOf: fc.constantFrom(null, minutes(-9), minutes(-3)),
    });
    const contexts = fc.record({
      lastCompleteRows: fc.option(fc.integer({ min: 1, max: 60 })),
      lastAsOf: fc.constantFrom(null, minutes(-6)),
    });
    let complete = 0;
    fc.assert(
      fc.property(proofs, contexts, fc.boolean(), (proof, context, whole) => {
        // Left to chance alone, hardly any listing would be whole.
        const given = whole
          ? { ...proof, distinctIds: proof.rows, announcedTotal: null, terminalPageSeen: true }
          : proof;
        const snapshot = judged(given, context);
        if (snapshot.kind !== 'complete') return true;
        complete += 1;
        return (
          given.rows > 0 &&
          given.distinctIds === given.rows &&
          (given.announcedTotal ?? given.rows) === given.rows &&
          given.terminalPageSeen &&
          given.fingerprintBefore === given.fingerprintAfter &&
          (given.asOf ?? 0) >= (given.asOf === null ? 0 : (context.lastAsOf ?? given.asOf)) &&
          (context.lastCompleteRows === null || !isShrunk(given.rows, context.lastCompleteRows))
        );
      }),
      { numRuns: 3_000 },
    );
    expect(complete).toBeGreaterThan(50);
  });
});

describe('isShrunk', () => {
  it.each([
    [100, 90, false],
    [100, 89, true],
    [8, 5, false],
    [8, 4, true],
    [7, 4, true],
    [6, 3, true],
    [6, 4, false],
    [5, 3, true],
    [5, 4, false],
    [3, 1, true],
    [2, 1, false],
    [10, 6, true],
  ])('of %i, %i are left: %s', (last, rows, expected) => {
    expect(isShrunk(rows, last)).toBe(expected);
  });

  it('takes half of any listing of four or more for shrunk, rounded up or down', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 2_000_000 }),
        (last) => isShrunk(Math.floor(last / 2), last) && isShrunk(Math.ceil(last / 2), last),
      ),
    );
  });
});
