-- name: rules_put
insert into rules (tenant, rule_id, body) values (:tenant, :rule_id, :body)
on conflict (tenant, rule_id) do update set body = excluded.body

-- name: rules_all
select body from rules where tenant = :tenant order by rule_id

-- name: rules_remove
delete from rules where tenant = :tenant and rule_id = :rule_id
