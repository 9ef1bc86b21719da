-- name: samples_put
insert into samples (tenant, kind, sample_id, user_id, item_id, time, body, created_at)
values (:tenant, :kind, :sample_id, :user_id, :item_id, :time, :body, :created_at)
on conflict (tenant, kind, sample_id) do update
set user_id = excluded.user_id, item_id = excluded.item_id, time = excluded.time, body = excluded.body

-- name: samples_all
select body from samples where tenant = :tenant and kind = :kind order by sample_id

-- name: samples_get
select body from samples where tenant = :tenant and kind = :kind and sample_id = :sample_id

-- name: samples_count
select count(*) from samples where tenant = :tenant and kind = :kind

-- name: samples_of_user
select body from samples where tenant = :tenant and user_id = :user_id order by kind, sample_id

-- name: samples_of_item
select body from samples where tenant = :tenant and item_id = :item_id and kind = 'text'
order by coalesce(time, 0) desc, sample_id limit :limit

-- name: samples_with_files
select body from samples where tenant = :tenant and kind <> 'text'

-- name: samples_erase
delete from samples where tenant = :tenant and user_id = :user_id
