-- What the console's figures are counted from. Each reads all events of a tenant once, so its answer is kept for a while.

-- name: console_activity
select events, count(*), min(oldest), max(newest) from (
    select count(*) as events, min(time) as oldest, max(time) as newest from events where tenant = :tenant group by user_id
) as per_user group by events order by events

-- name: console_days
select time / 86400000000, type, count(*) from events where tenant = :tenant and time >= :since group by 1, 2 order by 1, 2

-- name: console_items
select item_id, type, count(*) from events where tenant = :tenant group by item_id, type

-- name: console_users
select user_id, count(*), min(time), max(time) from events
where tenant = :tenant and user_id > :after and user_id >= :prefix and user_id <= :until group by user_id order by user_id limit :limit

-- name: console_user_events
select time, item_id, type, value, quantity, session_id, event_key from events
where tenant = :tenant and user_id = :user_id and (time < :time or (time = :time and event_key < :event_key))
order by time desc, event_key desc limit :limit

-- name: console_user_types
select type, count(*) from events where tenant = :tenant and user_id = :user_id group by type order by 2 desc
