import type { TestProject } from 'vitest/node';
import { openTestPostgres, type TestPostgres } from './postgres-server.ts';
import { openTestRedis, type TestRedis } from './redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where tests get their databases; `problem` where the template could not be made. */
    postgres: { readonly adminUrl: string; readonly run: string; readonly problem: string | null };
    /** The Redis of this run, or why there is none. */
    redis: { readonly url: string } | { readonly missing: string };
  }
}

/** One Postgres and, where it can be had, one Redis for the whole run. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const opened = await Promise.allSettled([openTestPostgres(), openTestRedis()]);
  const [postgres, redis] = opened;
  if (postgres.status === 'rejected' || redis.status === 'rejected') {
    await Promise.all(
      opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)),
    );
    throw postgres.status === 'rejected'
      ? postgres.reason
      : (redis as PromiseRejectedResult).reason;
  }
  project.provide('postgres', postgres.value.context);
  project.provide('redis', redis.value.context);
  return () => tearDown(postgres.value, redis.value);
}

async function tearDown(postgres: TestPostgres, redis: TestRedis): Promise<void> {
  await redis.close();
  await postgres.close();
}
