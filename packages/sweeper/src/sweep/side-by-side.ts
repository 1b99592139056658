/**
 * As `Promise.all`, but where one fails it throws only when all have ended: nothing is
 * left behind that still writes. Throws what the first in the list threw that failed.
 */
export async function endTogether<T extends readonly unknown[]>(
  works: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(works);
  return (await Promise.all(works)) as unknown as T;
}

/**
 * Does the same with each item, so many at once. Where one fails no other is begun, and
 * it throws when those that were begun have ended.
 */
export async function doEach<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  await endTogether(Array.from({ length: atOnce }, lane));
}
