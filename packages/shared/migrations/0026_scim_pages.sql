-- Why: a page in the middle of a million is found by walking along an index; with the id
-- in it, the rows in front of the page are not read at all.
drop index scim_users_in_order;
create index scim_users_in_order on scim_users (connection_id, seq) include (user_id);
