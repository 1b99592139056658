import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divideByRound, quantile, summarize } from '../../../bench/frame/statistics.ts';

const sample = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 });

describe('quantile', () => {
  test('is the value itself in a sample of one', () => {
    expect(quantile([7], 0.25)).toBe(7);
  });

  test('lies between neighbours where it falls between them', () => {
    expect(quantile([40, 10, 30, 20], 0.5)).toBe(25);
    expect(quantile([40, 10, 30, 20], 0.25)).toBe(17.5);
  });

  test('sorts by number, not by text', () => {
    expect(quantile([9, 10, 100], 0.5)).toBe(10);
  });

  test('leaves the sample as it was', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });

  test('refuses an empty sample, what is no number, and a share beyond the whole', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
    expect(() => quantile([1, Number.NaN], 0.5)).toThrow(RangeError);
    expect(() => quantile([1, Infinity], 0.5)).toThrow(RangeError);
    expect(() => quantile([1], 1.5)).toThrow(RangeError);
    expect(() => quantile([1], Number.NaN)).toThrow(RangeError);
  });
});

describe('summarize', () => {
  test('counts, and knows quartiles and ends', () => {
    expect(summarize([5, 1, 4, 2, 3])).toEqual({
      count: 5,
      median: 3,
      q1: 2,
      q3: 4,
      min: 1,
      max: 5,
    });
  });

  test('keeps its order, and does not depend on that of the sample', () => {
    fc.assert(
      fc.property(sample, (values) => {
        const summary = summarize(values);
        const { min, q1, median, q3, max } = summary;
        const inOrder = [min, q1, median, q3, max];
        expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
        expect(summarize([...values].reverse())).toEqual(summary);
      }),
    );
  });
});

describe('divideByRound', () => {
  test('divides each round by its own', () => {
    expect(divideByRound([10, 30], [5, 10])).toEqual([2, 3]);
  });

  test('a round in which everything was slow changes no ratio', () => {
    expect(divideByRound([10, 1000], [5, 500])).toEqual([2, 2]);
  });

  test('refuses rounds that do not match, and a time of nothing', () => {
    expect(() => divideByRound([1], [1, 2])).toThrow(RangeError);
    expect(() => divideByRound([1], [0])).toThrow(RangeError);
    expect(() => divideByRound([1], [Number.NaN])).toThrow(RangeError);
  });
});
