-- Why: whoever was shut out must not come back because their connection names them by another
-- subject. The id of the directory tells that it is the same person: so whoever has one that
-- is known already is nobody new, and is looked at more closely.

create or replace function is_newcomer(connection text, subject text, directory_id text)
returns boolean language plpgsql volatile as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return false;
  end if;
  if is_newcomer.directory_id is not null then
    perform pg_advisory_xact_lock(hashtextextended(
      'directory id:' || connection || ':' || is_newcomer.directory_id, 0));
    perform from users u where u.connection_id = connection and u.directory_id = is_newcomer.directory_id;
    if found then
      return false;
    end if;
  end if;
  if is_newcomer.subject is not null then
    perform from users u where u.connection_id = connection and u.subject = is_newcomer.subject;
    if found then
      return false;
    end if;
  end if;
  perform from tombstones t
    where t.connection_id = connection
      and (t.subject_hash = tombstone_hash(connection, is_newcomer.subject)
        or t.directory_hash = tombstone_hash(connection, is_newcomer.directory_id));
  return not found;
end
$$;
