-- name: events_add
insert into events (tenant, user_id, time, event_key, item_id, type, value, quantity, session_id, answer_id, event_id)
values (:tenant, :user_id, :time, :event_key, :item_id, :type, :value, :quantity, :session_id, :answer_id, :event_id)
on conflict (tenant, event_key) do nothing

-- name: events_recent
select item_id, type, time, value, quantity from events where tenant = :tenant and user_id = :user_id order by time desc limit :limit

-- name: events_of_user
select item_id, type, time, value, quantity, session_id, answer_id, event_id from events
where tenant = :tenant and user_id = :user_id order by time

-- name: events_all
select user_id, item_id, type, time, value, quantity, session_id from events where tenant = :tenant order by user_id, time

-- name: events_erase
delete from events where tenant = :tenant and user_id = :user_id

-- name: events_count
select count(*) from events where tenant = :tenant

-- name: events_users
select user_id, count(*), max(time) from events where tenant = :tenant and user_id > :after group by user_id order by user_id limit :limit
