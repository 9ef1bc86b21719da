-- name: models_add
insert into models (tenant, task, version, folder, card, created_at) values (:tenant, :task, :version, :folder, :card, :created_at)

-- name: models_newest
select coalesce(max(version), 0) from models where tenant = :tenant and task = :task

-- name: models_point
insert into live_models (tenant, task, version, previous, changed_at) values (:tenant, :task, :version, null, :changed_at)
on conflict (tenant, task) do update set
    version = excluded.version, previous = live_models.version, changed_at = excluded.changed_at
where live_models.version <> excluded.version

-- name: models_roll_back
-- the next roll back goes further back, never forward again to what was found wanting
update live_models set
    version = previous,
    previous = (
        select max(older.version) from models older
        where older.tenant = live_models.tenant and older.task = live_models.task and older.version < live_models.previous
    ),
    changed_at = :changed_at
where tenant = :tenant and task = :task and previous is not null

-- name: models_live
select m.tenant, m.task, m.version, m.folder, m.card, m.created_at, 1 from live_models l
join models m on m.tenant = l.tenant and m.task = l.task and m.version = l.version
where l.tenant = :tenant and l.task = :task

-- name: models_all_live
select m.tenant, m.task, m.version, m.folder, m.card, m.created_at, 1 from live_models l
join models m on m.tenant = l.tenant and m.task = l.task and m.version = l.version
order by m.tenant, m.task

-- name: models_list
select m.tenant, m.task, m.version, m.folder, m.card, m.created_at, case when l.version is null then 0 else 1 end from models m
left join live_models l on l.tenant = m.tenant and l.task = m.task and l.version = m.version
where m.tenant = :tenant order by m.task, m.version desc

-- name: models_get
select m.tenant, m.task, m.version, m.folder, m.card, m.created_at, case when l.version is null then 0 else 1 end from models m
left join live_models l on l.tenant = m.tenant and l.task = m.task and l.version = m.version
where m.tenant = :tenant and m.task = :task and m.version = :version

-- name: models_folders
select folder from models

-- name: models_older
select m.tenant, m.task, m.version, m.folder, m.card, m.created_at, 0 from models m
where m.tenant = :tenant and m.task = :task and m.version < :version

-- name: models_forget
delete from models where tenant = :tenant and task = :task and version < :version

-- name: models_forget_previous
update live_models set previous = null where tenant = :tenant and task = :task and previous < :version
