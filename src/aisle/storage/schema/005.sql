-- How long answers took, so that usage can say percentiles and not only a mean.

create table latency (
    tenant {int} not null,
    minute {int} not null,                -- as in usage, with the four that follow
    key_id text not null,
    task text not null,
    operation text not null,
    model text not null,
    step {int} not null,                  -- usage.step_of the time an answer took: four steps for every doubling
    requests {int} not null,
    primary key (tenant, minute, key_id, task, operation, model, step)
){clustered};
