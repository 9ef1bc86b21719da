-- name: items_put
insert into items (tenant, item_id, body, deleted, revision) values (:tenant, :item_id, :body, 0, :revision)
on conflict (tenant, item_id) do update set body = excluded.body, deleted = 0, revision = excluded.revision

-- name: items_remove
update items set deleted = 1, revision = :revision where tenant = :tenant and item_id = :item_id and deleted = 0

-- name: items_get
select body from items where tenant = :tenant and item_id = :item_id and deleted = 0

-- name: items_page
select body from items where tenant = :tenant and item_id > :after and deleted = 0 order by item_id limit :limit

-- name: items_all
select body from items where tenant = :tenant and deleted = 0 order by item_id

-- name: items_ids
select item_id from items where tenant = :tenant and deleted = 0

-- name: items_changed
select item_id, deleted, revision, body from items where tenant = :tenant and revision > :since order by revision

-- name: items_count
select count(*) from items where tenant = :tenant and deleted = 0
