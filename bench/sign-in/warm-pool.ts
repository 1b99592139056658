import type pg from 'pg';

/** Opens every connection that the pool may hold: the first contestants must not pay for it. */
export async function warmPool(pool: pg.Pool): Promise<void> {
  const size = pool.options.max ?? 10;
  const clients = await Promise.all(Array.from({ length: size }, () => pool.connect()));
  for (const client of clients) client.release();
}
