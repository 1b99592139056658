-- Why: any page of a million, and a part of a name, are to be found without walking through
-- all of them. Counts are kept for each block of numbers, so that the page behind so many
-- rows begins near where its first row is; and where Postgres has trigrams, parts of names
-- and addresses have an index.

-- Nobody comes or goes while the counting begins anew.
lock table scim_users, scim_groups in share row exclusive mode;
delete from scim_counts;
-- The number of a row, in blocks of 4096.
alter table scim_counts add column block bigint not null;
drop index scim_counts_of_connection;
create index scim_counts_of_connection on scim_counts (connection_id, kind, block) include (delta);

create or replace function count_scim_added() returns trigger language plpgsql as $$
begin
  insert into scim_counts (connection_id, kind, block, delta)
    select connection_id, tg_argv[0], seq / 4096, count(*) from added group by connection_id, seq / 4096;
  return null;
end
$$;
create or replace function count_scim_removed() returns trigger language plpgsql as $$
begin
  insert into scim_counts (connection_id, kind, block, delta)
    select connection_id, tg_argv[0], seq / 4096, -count(*) from removed group by connection_id, seq / 4096;
  return null;
end
$$;
insert into scim_counts (connection_id, kind, block, delta)
  select connection_id, 'User', seq / 4096, count(*) from scim_users group by connection_id, seq / 4096;
insert into scim_counts (connection_id, kind, block, delta)
  select connection_id, 'Group', seq / 4096, count(*) from scim_groups group by connection_id, seq / 4096;

-- What people look for parts of: names and e-mail addresses, in one case, of scim_users.search.
-- Addresses are as JSON writes them.
create function scim_names(search jsonb) returns text language sql immutable parallel safe as $$
  select coalesce(search ->> 'userName', '') || chr(10) || coalesce(search ->> 'displayName', '') || chr(10)
      || coalesce(search #>> '{name,givenName}', '') || chr(10) || coalesce(search #>> '{name,familyName}', '') || chr(10)
      || coalesce(search #>> '{name,formatted}', '') || chr(10)
      || jsonb_path_query_array(search, '$.emails[*].value')::text
$$;

-- Makes the index over parts of names, where the extension pg_trgm is there or may be made;
-- says whether there is one now. To be called again where the extension came later.
create function index_scim_names() returns boolean language plpgsql as $$
declare
  place text;
begin
  begin
    create extension if not exists pg_trgm;
  exception when insufficient_privilege or undefined_file or feature_not_supported then
    null;
  end;
  select n.nspname into place
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  if place is null then
    return false;
  end if;
  -- What is pending is walked through by every search: so it is kept short.
  execute format(
    'create index if not exists scim_users_by_names on scim_users
       using gin (scim_names(search) %I.gin_trgm_ops) with (gin_pending_list_limit = 512)', place);
  return true;
end
$$;
select index_scim_names();
