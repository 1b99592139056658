import pg from 'pg';
import { Clients } from './gate.ts';
import { installLedger } from './ledger.ts';

/** How often what was deleted is thrown away for good. */
const TRUNCATED_EVERY = 100;

/**
 * Makes a function that empties every table that is not empty, but for those that say how
 * the database was made. What is append-only by a trigger is so for a run, not between two.
 * Deleting a few rows costs a tenth of what truncating a few tables does.
 */
const EMPTYING = `
  create function campaign.make_empty(thoroughly boolean) returns void language plpgsql as $$
  declare place record; filled boolean; used text[] := '{}';
  begin
    for place in
      select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname in ('public', 'campaign')
         and tablename not in ('installation', 'schema_migrations')
    loop
      if thoroughly then
        if pg_relation_size(place.name) > 0 then used := used || place.name; end if;
      else
        execute 'select exists (select from ' || place.name || ')' into filled;
        if filled then execute 'delete from ' || place.name; end if;
      end if;
    end loop;
    if used <> '{}' then execute 'truncate ' || array_to_string(used, ', ') || ' cascade'; end if;
  end $$`;

/** A migrated database that belongs to a campaign alone. Between two runs it is emptied. */
export class CampaignDatabase {
  readonly clients: Clients;
  /** The harness's own line: it reads, and says what time does to a lease. */
  readonly harness: pg.Client;

  private constructor(url: string, harness: pg.Client) {
    this.clients = new Clients(url);
    this.harness = harness;
  }

  static async open(url: string): Promise<CampaignDatabase> {
    const harness = new pg.Client({ connectionString: url, application_name: 'campaign-harness' });
    await harness.connect();
    await installLedger(harness);
    const database = new CampaignDatabase(url, harness);
    await harness.query(EMPTYING);
    return database;
  }

  /** Where the ledger of the next run begins. */
  ledgerBegin = 0;
  #emptied = 0;

  /** Empties it for the next run. */
  async empty(): Promise<void> {
    const thoroughly = this.#emptied++ % TRUNCATED_EVERY === 0;
    await this.harness.query(
      `set session_replication_role = replica;
       select campaign.make_empty(${thoroughly});
       set session_replication_role = origin`,
    );
    const { rows } = await this.harness.query<{ last: string | null }>(
      "select pg_sequence_last_value('campaign.ledger_seq_seq')::text as last",
    );
    this.ledgerBegin = Number(rows[0]?.last ?? 0);
  }

  /** Ends a backend as an administrator or a failing server does, and waits for its end. */
  async sever(pid: number): Promise<void> {
    await this.harness.query('select pg_terminate_backend($1, 2000)', [pid]);
  }

  async close(): Promise<void> {
    await this.clients.end();
    await this.harness.end();
  }
}
