-- Vectors are numbered like items, so that readers learn of the new ones; what was asked of the search, and what came of it.

drop table vectors;                       -- derived: training and searching write them again
create table vectors (
    tenant {int} not null,
    space text not null,                  -- "text", "image": who made them and in which space they compare
    item_id text not null,
    vector {bytes} not null,              -- little-endian float32
    revision {int} not null,              -- the one that wrote this row
    primary key (tenant, space, item_id)
){clustered};
create index vectors_revision on vectors (tenant, space, revision);

create table searches (
    tenant {int} not null,
    answer_id text not null,
    at {int} not null,                    -- microseconds UTC
    kind text not null,                   -- text, image, voice
    query text not null,                  -- personal data masked; no word of who asked
    found {int} not null,                 -- items that have the words
    fallback text not null,               -- what stood in where none had: meaning, popular; else empty
    primary key (tenant, answer_id)
){clustered};
create index searches_at on searches (tenant, at);
