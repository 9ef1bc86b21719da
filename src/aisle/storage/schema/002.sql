-- Labelled samples: what tasks other than recommend learn from.

create table samples (
    tenant {int} not null,
    kind text not null,                   -- picture, recording, text
    sample_id text not null,
    user_id text,                         -- whose it is: erased with them
    body {bytes} not null,                -- the Sample as JSON
    created_at {int} not null,
    primary key (tenant, kind, sample_id)
){clustered};
create index samples_user on samples (tenant, user_id);
