import type pg from 'pg';

/** One row that was written, as the database itself saw it. */
export interface LedgerRow {
  readonly seq: number;
  /** The transaction. */
  readonly tx: string;
  /** The server's process that wrote it. */
  readonly pid: number;
  readonly op: 'INSERT' | 'UPDATE' | 'DELETE';
  readonly tab: string;
  readonly old: Readonly<Record<string, unknown>> | null;
  readonly new: Readonly<Record<string, unknown>> | null;
  /** The latest fence of the row's connection at that moment, where it has one. */
  readonly fence: number | null;
}

const WATCHED = ['users', 'grants', 'sessions', 'audit_events', 'outbox'];
const FENCED = ['users', 'sweep_runs', 'plans'];

/**
 * Has the database write down every row of access that is written, whoever writes it:
 * the oracle's own eyes, which no code of the product passes. Committed rows alone are
 * seen, for the ledger is a table like any other.
 */
export async function installLedger(client: pg.Client): Promise<void> {
  await client.query(`
    create schema campaign;
    create table campaign.ledger (
      seq bigint generated always as identity primary key,
      tx bigint not null, pid integer not null, op text not null, tab text not null,
      old jsonb, new jsonb, fence bigint);
    create function campaign.note() returns trigger language plpgsql as $$
    begin
      insert into campaign.ledger (tx, pid, op, tab, old, new) values (
        txid_current(), pg_backend_pid(), tg_op, tg_table_name,
        case when tg_op <> 'INSERT' then to_jsonb(old) end,
        case when tg_op <> 'DELETE' then to_jsonb(new) end);
      return null;
    end $$;
    create function campaign.note_fenced() returns trigger language plpgsql as $$
    begin
      insert into campaign.ledger (tx, pid, op, tab, old, new, fence) values (
        txid_current(), pg_backend_pid(), tg_op, tg_table_name,
        case when tg_op <> 'INSERT' then to_jsonb(old) end,
        case when tg_op <> 'DELETE' then to_jsonb(new) end,
        (select l.fence from sweep_leases l where l.connection_id = new.connection_id));
      return null;
    end $$;
    create function campaign.note_lease() returns trigger language plpgsql as $$
    begin
      insert into campaign.ledger (tx, pid, op, tab, new, fence)
        values (txid_current(), pg_backend_pid(), tg_op, tg_table_name, to_jsonb(new), new.fence);
      return null;
    end $$;`);
  for (const table of new Set([...WATCHED, ...FENCED])) {
    const note = FENCED.includes(table) ? 'note_fenced' : 'note';
    await client.query(`create trigger campaign_ledger after insert or update or delete on ${table}
      for each row execute function campaign.${note}()`);
  }
  await client.query(`
    create trigger campaign_lease_taken after insert on sweep_leases
      for each row execute function campaign.note_lease();
    create trigger campaign_lease_passed after update on sweep_leases
      for each row when (old.fence <> new.fence) execute function campaign.note_lease();`);
}

/** What was written after a row of the ledger, in the order of writing. */
export async function readLedger(client: pg.Client, after: number): Promise<readonly LedgerRow[]> {
  const { rows } = await client.query<{ rows: LedgerRow[] }>({
    name: 'ledger',
    text: `select coalesce(json_agg(l order by seq), '[]') as rows from campaign.ledger l where seq > $1`,
    values: [after],
  });
  return rows[0]?.rows ?? [];
}
