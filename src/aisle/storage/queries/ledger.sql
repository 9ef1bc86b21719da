-- name: keys_add
insert into keys (key_id, tenant, name, hash, hint, scopes, created_at, expires_at)
values (:key_id, :tenant, :name, :hash, :hint, :scopes, :created_at, :expires_at)

-- name: keys_get
select key_id, name, hint, scopes, created_at, expires_at, revoked_at, last_used_at from keys where tenant = :tenant and key_id = :key_id

-- name: keys_list
select key_id, name, hint, scopes, created_at, expires_at, revoked_at, last_used_at from keys
where tenant = :tenant and key_id > :after order by key_id limit :limit

-- name: keys_secret
select tenant, hash, scopes, expires_at, revoked_at from keys where key_id = :key_id

-- name: keys_revoke
update keys set revoked_at = :revoked_at where tenant = :tenant and key_id = :key_id and revoked_at is null

-- name: keys_used
update keys set last_used_at = :last_used_at where key_id = :key_id

-- name: usage_add
insert into usage (tenant, minute, key_id, task, operation, model, requests, errors, cpu_us, latency_us)
values (:tenant, :minute, :key_id, :task, :operation, :model, :requests, :errors, :cpu_us, :latency_us)
on conflict (tenant, minute, key_id, task, operation, model) do update set
    requests = usage.requests + excluded.requests, errors = usage.errors + excluded.errors,
    cpu_us = usage.cpu_us + excluded.cpu_us, latency_us = usage.latency_us + excluded.latency_us

-- name: latency_add
insert into latency (tenant, minute, key_id, task, operation, model, step, requests)
values (:tenant, :minute, :key_id, :task, :operation, :model, :step, :requests)
on conflict (tenant, minute, key_id, task, operation, model, step) do update set requests = latency.requests + excluded.requests

-- name: latency_range
select minute, key_id, task, operation, model, step, sum(requests) from latency
where tenant = :tenant and minute >= :start and minute < :end group by minute, key_id, task, operation, model, step

-- name: usage_range
select minute, key_id, task, operation, model, requests, errors, cpu_us, latency_us from usage
where tenant = :tenant and minute >= :start and minute < :end order by minute

-- name: erasures_add
insert into erasures (tenant, receipt_id, subject, events, models, job_id, created_at)
values (:tenant, :receipt_id, :subject, :events, :models, :job_id, :created_at)
on conflict (tenant, receipt_id) do nothing

-- name: erasures_known
select receipt_id from erasures

-- name: erasures_people
select user_id from events where tenant = :tenant
union select user_id from samples where tenant = :tenant and user_id is not null

-- name: audit_add
insert into audit (tenant, audit_id, at, actor, action, target) values (:tenant, :audit_id, :at, :actor, :action, :target)

-- name: audit_page
select audit_id, at, actor, action, target from audit where tenant = :tenant and audit_id > :after order by audit_id limit :limit
