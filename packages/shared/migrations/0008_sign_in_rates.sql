-- Why: several instances behind one address count sign-ins together, or a flood gets
-- as many times the limit as there are instances. Shape of rate-limiter-flexible. Only
-- addresses that come often are here at all. Unlogged: after a crash the count begins
-- anew, and nothing of it is worth a write-ahead log.

create unlogged table sign_in_rates (
  key    varchar(255) collate "C" primary key,
  points integer not null default 0,
  -- Milliseconds since 1970.
  expire bigint
);
create index sign_in_rates_by_expiry on sign_in_rates (expire);
