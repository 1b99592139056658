-- Why: which run of a connection was the last is asked of the fence, which rises with each
-- holder of its lease: a worker whose clock was ahead once would else be the last for as long.

create index sweep_runs_by_fence on sweep_runs (connection_id, fence);
