-- When a worker first set out to give the order to its provider. Until then the provider cannot
-- have it, and a cancel needs to ask nobody.
alter table service_order add column submit_asked_at timestamptz;

-- How far the clean-up has gone through a table that it walks by id.
create table clean_up_mark (
  name text not null,
  up_to bigint not null,
  constraint clean_up_mark_pkey primary key (name),
  constraint clean_up_mark_name_known check (name = 'order_keys')
);
insert into clean_up_mark (name, up_to) values ('order_keys', 0);
