-- Why: companies push a hundred thousand people in one night. Whoever is new is made in one
-- statement, which is a transaction by itself; this says who is new, in the same round trip.

-- Whether a connection has never named this person, neither by the name that assertions
-- have nor by the id of the directory, nor anybody who was purged. True is true until the
-- transaction ends: two who know a person by different names wait here for each other, by
-- the lock of access/directory-id. Each query in here sees what was committed before it,
-- other than the statement around it; where that is not so, the answer is no.
create function is_newcomer(connection text, subject text, directory_id text)
returns boolean language plpgsql volatile as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return false;
  end if;
  if is_newcomer.directory_id is not null then
    perform pg_advisory_xact_lock(hashtextextended(
      'directory id:' || connection || ':' || is_newcomer.directory_id, 0));
  end if;
  if is_newcomer.subject is not null then
    perform from users u where u.connection_id = connection and u.subject = is_newcomer.subject;
  else
    perform from users u where u.connection_id = connection and u.directory_id = is_newcomer.directory_id;
  end if;
  if found then
    return false;
  end if;
  perform from tombstones t
    where t.connection_id = connection
      and (t.subject_hash = tombstone_hash(connection, is_newcomer.subject)
        or t.directory_hash = tombstone_hash(connection, is_newcomer.directory_id));
  return not found;
end
$$;
