-- Why: every page of a listing says how many there are, and counting a million rows takes
-- longer than reading the page. Each change adds a line here, so that no two wait for each
-- other; whoever tidies up adds the lines together.
create table scim_counts (
  connection_id text collate "C" not null,
  kind          text not null check (kind in ('User', 'Group')),
  delta         bigint not null
);
create index scim_counts_of_connection on scim_counts (connection_id, kind) include (delta);

create function count_scim_added() returns trigger language plpgsql as $$
begin
  insert into scim_counts select connection_id, tg_argv[0], count(*) from added group by connection_id;
  return null;
end
$$;
create function count_scim_removed() returns trigger language plpgsql as $$
begin
  insert into scim_counts select connection_id, tg_argv[0], -count(*) from removed group by connection_id;
  return null;
end
$$;
create trigger scim_users_added after insert on scim_users referencing new table as added
  for each statement execute function count_scim_added('User');
create trigger scim_users_removed after delete on scim_users referencing old table as removed
  for each statement execute function count_scim_removed('User');
create trigger scim_groups_added after insert on scim_groups referencing new table as added
  for each statement execute function count_scim_added('Group');
create trigger scim_groups_removed after delete on scim_groups referencing old table as removed
  for each statement execute function count_scim_removed('Group');

insert into scim_counts select connection_id, 'User', count(*) from scim_users group by connection_id;
insert into scim_counts select connection_id, 'Group', count(*) from scim_groups group by connection_id;
