import { doEach, endTogether } from '@rollcall/sweeper/sweep/side-by-side';
import { describe, expect, it } from 'vitest';

describe('works side by side', () => {
  it('give what each of them gives', async () => {
    const [name, count] = await endTogether([Promise.resolve('ann'), Promise.resolve(3)]);
    expect([name, count]).toEqual(['ann', 3]);
  });

  it('have all ended before one that failed is told of', async () => {
    const order: string[] = [];
    const slow = Promise.withResolvers<void>();
    const told = endTogether([
      Promise.reject(new Error('first')),
      slow.promise.then(() => order.push('slow ended')),
      Promise.reject(new Error('second')),
    ]).catch((error: Error) => order.push(error.message));
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    slow.resolve();
    await told;
    expect(order).toEqual(['slow ended', 'first']);
  });
});

describe('the same work with each of many', () => {
  it('is done once with each, so many at once', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await doEach([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now -= 1;
      done.push(item);
    });
    expect(done.toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it('begins no other once one has failed, and ends what was begun', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const slow = Promise.withResolvers<void>();
    const told = doEach([1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      if (item === 2) throw new Error('broken');
      await slow.promise;
      ended.push(item);
    });
    await new Promise(setImmediate);
    slow.resolve();
    await expect(told).rejects.toThrow('broken');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([1]);
  });
});
