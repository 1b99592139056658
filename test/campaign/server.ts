import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { openEmbeddedPostgres } from '@rollcall/shared/db/embedded/open';
import { migrate } from '@rollcall/shared/db/migrate';
import pg from 'pg';

/** A Postgres on which campaigns make databases of their own. */
export interface CampaignServer {
  /** Makes a migrated database; it is dropped when the server is closed. */
  makeDatabase(): Promise<string>;
  close(): Promise<void>;
}

const DIR = fileURLToPath(new URL('../../.rollcall/campaign', import.meta.url));

/** `TEST_DATABASE_URL` (a superuser), or the embedded Postgres in `.rollcall/campaign`. */
export async function openCampaignServer(): Promise<CampaignServer> {
  const given = process.env.TEST_DATABASE_URL;
  if (given !== undefined && given !== '') return overServer(given, async () => undefined);
  const server = await openEmbeddedPostgres({ dir: DIR, durable: false });
  return overServer(server.url, () => server.stop());
}

/** The same over a server that is there. */
export function overServer(adminUrl: string, stop: () => Promise<void>): CampaignServer {
  const made: string[] = [];
  return {
    makeDatabase: async () => {
      const name = `rollcall_campaign_${randomBytes(6).toString('hex')}`;
      await administer(adminUrl, `create database ${name}`);
      made.push(name);
      const url = new URL(adminUrl);
      url.pathname = `/${name}`;
      const pool = new pg.Pool({ connectionString: url.href, max: 1 });
      try {
        await migrate(pool);
      } finally {
        await pool.end();
      }
      return url.href;
    },
    close: async () => {
      for (const name of made.splice(0)) {
        await administer(adminUrl, `drop database if exists ${name} with (force)`);
      }
      await stop();
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
