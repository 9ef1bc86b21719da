-- name: tenants_add
insert into tenants (tenant, name, secret, created_at) values (:tenant, :name, :secret, :created_at) on conflict (tenant) do nothing

-- name: tenants_get
select tenant, name, secret, created_at from tenants where tenant = :tenant

-- name: vectors_put
insert into vectors (tenant, space, item_id, vector, revision) values (:tenant, :space, :item_id, :vector, :revision)
on conflict (tenant, space, item_id) do update set vector = excluded.vector, revision = excluded.revision

-- name: vectors_all
select item_id, vector from vectors where tenant = :tenant and space = :space order by item_id

-- name: vectors_changed
select item_id, vector from vectors where tenant = :tenant and space = :space and revision > :since order by revision

-- name: revisions_get
select revision from revisions where tenant = :tenant and name = :name

-- name: revisions_next
insert into revisions (tenant, name, revision) values (:tenant, :name, 1)
on conflict (tenant, name) do update set revision = revisions.revision + 1
returning revision
