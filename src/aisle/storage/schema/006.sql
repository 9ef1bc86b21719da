-- What a labelled text is about and when it was written: reviews of an item over time.

alter table samples add column item_id text;
alter table samples add column time {int};  -- microseconds UTC
create index samples_item on samples (tenant, item_id, time);
