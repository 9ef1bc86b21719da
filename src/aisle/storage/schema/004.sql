-- What merchandisers want of every answer.

create table rules (
    tenant {int} not null,
    rule_id text not null,
    body {bytes} not null,                -- the Rule as JSON
    primary key (tenant, rule_id)
){clustered};
