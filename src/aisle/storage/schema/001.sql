-- The first schema. {types} in braces are filled in by storage/dialect.py. Times are microseconds UTC; ids are made in Python.

create table tenants (
    tenant {int} primary key,
    name text not null unique,
    secret {bytes} not null,              -- keyed pseudonyms (HMAC) of this tenant
    created_at {int} not null
);

create table revisions (
    tenant {int} not null,
    name text not null,                   -- items, events
    revision {int} not null,              -- counts the transactions that wrote there, in the order of their commits
    primary key (tenant, name)
){clustered};

create table items (
    tenant {int} not null,
    item_id text not null,
    body {bytes} not null,                -- the Item as JSON
    deleted {int} not null default 0,     -- a tombstone, so that readers learn of it
    revision {int} not null,              -- the one that wrote this row
    primary key (tenant, item_id)
){clustered};
create index items_revision on items (tenant, revision);

create table events (
    tenant {int} not null,
    user_id text not null,
    time {int} not null,
    event_key {bytes} not null,           -- 16 bytes: hash of the client's event_id, or of the content where it gave none
    item_id text not null,
    type {int} not null,                  -- position in types.EVENT_TYPES
    value {real},
    quantity {int},
    session_id text,
    answer_id text,
    event_id text,                        -- as the client gave it
    primary key (tenant, user_id, time, event_key)
){clustered};
create unique index events_key on events (tenant, event_key);

create table vectors (
    tenant {int} not null,
    space text not null,                  -- "text", "image": who made them and in which space they compare
    item_id text not null,
    vector {bytes} not null,              -- little-endian float32
    updated_at {int} not null,
    primary key (tenant, space, item_id)
){clustered};

create table models (
    tenant {int} not null,
    task text not null,
    version {int} not null,               -- 1, 2, 3 … per tenant and task
    folder text not null,                 -- relative to the models folder
    card {bytes} not null,                -- card.json as published
    created_at {int} not null,
    primary key (tenant, task, version)
);
create table live_models (
    tenant {int} not null,
    task text not null,
    version {int} not null,
    previous {int},                       -- what rollback returns to
    changed_at {int} not null,
    primary key (tenant, task)
);

create table jobs (
    job_id text primary key,
    tenant {int} not null,
    kind text not null,                   -- train, import, erase
    params {bytes} not null,              -- JSON
    status text not null,                 -- queued running succeeded failed cancelled
    created_at {int} not null,
    started_at {int},
    finished_at {int},
    heartbeat_at {int},
    worker text,
    attempts {int} not null default 0,
    result {bytes},                       -- JSON
    error {bytes}                         -- JSON {code, message, param}
);
create index jobs_status on jobs (status, created_at);
create index jobs_tenant on jobs (tenant, created_at);
create table job_events (
    tenant {int} not null,
    job_id text not null,
    number {int} not null,                -- 0, 1, 2 … per job
    created_at {int} not null,
    level text not null,                  -- info warn error
    done {real},
    total {real},
    message text not null,
    data {bytes},                         -- JSON
    primary key (job_id, number)
);

create table keys (
    key_id text primary key,
    tenant {int} not null,
    name text not null,
    hash {bytes} not null,                -- SHA-256 of the secret
    hint text not null,                   -- the last four characters
    scopes text not null,                 -- comma-separated: admin, write, read
    created_at {int} not null,
    expires_at {int},
    revoked_at {int},
    last_used_at {int}
);
create index keys_tenant on keys (tenant, created_at);

create table usage (
    tenant {int} not null,
    minute {int} not null,                -- microseconds, start of the minute
    key_id text not null,
    task text not null,
    operation text not null,
    model text not null,
    requests {int} not null,
    errors {int} not null,
    cpu_us {int} not null,
    latency_us {int} not null,
    primary key (tenant, minute, key_id, task, operation, model)
);

create table erasures (
    tenant {int} not null,
    receipt_id text not null,
    subject {bytes} not null,             -- keyed HMAC of the user id: proves without naming
    events {int} not null,
    models text not null,                 -- versions that had learnt from the person, comma-separated
    job_id text,                          -- the retraining that removes them
    created_at {int} not null,
    primary key (tenant, receipt_id)
);

create table audit (
    tenant {int} not null,
    audit_id text not null,
    at {int} not null,
    actor text not null,                  -- a key_id, or "cli"
    action text not null,                 -- "key.created", "model.promoted", "user.erased"
    target text not null,
    primary key (tenant, audit_id)
);
