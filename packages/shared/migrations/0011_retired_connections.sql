-- Why: nobody can sign in by a connection that was taken out of the configuration, and
-- sessions by it are dead. Whoever holds a privileged role by such a connection alone is
-- therefore no holder, or the last one who can act could lose the role.

alter table connections
  -- Since when no instance has been started with it; null while it is configured.
  add column retired_at timestamptz;
