-- name: jobs_add
insert into jobs (job_id, tenant, kind, params, status, created_at) values (:job_id, :tenant, :kind, :params, 'queued', :created_at)

-- name: jobs_waiting
select 1 from jobs where status = 'queued' limit 1

-- name: jobs_claim
-- the status is asked twice, so that of two workers that chose the same job one gets nothing on Postgres, too
update jobs set status = 'running', worker = :worker, started_at = :now, heartbeat_at = :now, attempts = attempts + 1
where status = 'queued' and job_id = (
    select job_id from jobs where status = 'queued' and (:job_id = '' or job_id = :job_id) order by created_at, job_id limit 1
)
returning job_id, tenant, kind, params, status, created_at, started_at, finished_at, worker, attempts, result, error

-- name: jobs_beat
update jobs set heartbeat_at = :now where job_id = :job_id and status = 'running' and attempts = :attempt

-- name: jobs_end
update jobs set status = :status, finished_at = :now, heartbeat_at = null, result = :result, error = :error
where job_id = :job_id and status = 'running' and attempts = :attempt

-- name: jobs_release
update jobs set status = 'queued', worker = null, started_at = null, heartbeat_at = null, attempts = attempts - 1
where job_id = :job_id and status = 'running' and attempts = :attempt

-- name: jobs_cancel
update jobs set status = 'cancelled', finished_at = :now, heartbeat_at = null, error = :error
where tenant = :tenant and job_id = :job_id and status in ('queued', 'running')

-- name: jobs_stale
select job_id, tenant, attempts from jobs where status = 'running' and (heartbeat_at < :before or worker = :worker)

-- name: jobs_requeue
update jobs set status = 'queued', worker = null, started_at = null, heartbeat_at = null
where job_id = :job_id and status = 'running' and attempts = :attempt

-- name: jobs_get
select job_id, tenant, kind, params, status, created_at, started_at, finished_at, worker, attempts, result, error from jobs
where tenant = :tenant and job_id = :job_id

-- name: jobs_training
select tenant, params from jobs where kind = 'train' and status in ('queued', 'running')

-- name: jobs_page
select job_id, tenant, kind, params, status, created_at, started_at, finished_at, worker, attempts, result, error from jobs
where tenant = :tenant and (:after = '' or job_id < :after) order by job_id desc limit :limit

-- name: job_events_add
insert into job_events (tenant, job_id, number, created_at, level, done, total, message, data)
select jobs.tenant, jobs.job_id,
    (select coalesce(max(number), -1) + 1 from job_events where job_events.job_id = :job_id),
    :created_at, :level, :done, :total, :message, :data
from jobs where jobs.job_id = :job_id

-- name: job_events_page
select number, created_at, level, done, total, message, data from job_events
where tenant = :tenant and job_id = :job_id and number > :after order by number limit :limit
