-- name: searches_add
insert into searches (tenant, answer_id, at, kind, query, found, fallback)
values (:tenant, :answer_id, :at, :kind, :query, :found, :fallback) on conflict (tenant, answer_id) do nothing

-- name: searches_asked
select query, count(*), max(at), min(found), max(fallback) from searches
where tenant = :tenant and at >= :since and query <> '' and (:unanswered = 0 or fallback <> '')
group by query order by count(*) desc, max(at) desc, query limit :limit

-- name: searches_count
select count(*), coalesce(sum(case when fallback <> '' then 1 else 0 end), 0) from searches where tenant = :tenant and at >= :since

-- name: searches_chosen
select s.query, e.item_id, e.type, e.user_id, e.time from events e join searches s on s.tenant = e.tenant and s.answer_id = e.answer_id
where e.tenant = :tenant and e.answer_id is not null and s.query <> '' order by e.time, s.query, e.item_id

-- name: searches_forget
delete from searches where tenant = :tenant and at < :until
