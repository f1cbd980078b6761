-- The schema after all migrations, written by `npm run schema`. Do not edit.

create sequence number_block as bigint increment by 1000 minvalue 1 maxvalue 9223372036854775807 start with 1001 cache 1;

CREATE OR REPLACE FUNCTION public.ledger_number()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform pg_current_xact_id();
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.ledger_post()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  wrong bigint;
begin
  select p.id into wrong
  from posted p
  where not exists (
      select from ledger_account a where a.id = p.debit_id and a.currency = p.currency
        and (a.account_id is null or a.account_id = p.account_id))
    or not exists (
      select from ledger_account a where a.id = p.credit_id and a.currency = p.currency
        and (a.account_id is null or a.account_id = p.account_id))
  limit 1;
  if found then
    raise exception 'transfer % names no ledger account of its currency and customer', wrong
      using errcode = 'foreign_key_violation', constraint = 'transfer_ledger_account';
  end if;
  update ledger_account a set balance = a.balance + d.delta
  from (
    select x.id, sum(x.delta)::bigint as delta
    from (
      select debit_id as id, -amount as delta from posted
      union all
      select credit_id, amount from posted
    ) x
    group by x.id
  ) d
  where a.id = d.id and a.balance is not null;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.mark_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  select e.value into strict new.changed_epoch from epoch e where e.name = tg_argv[0];
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION public.place_orders(p_catalogue_epoch bigint, p_key_epoch bigint, p_now timestamp with time zone, p_id bigint[], p_account bigint[], p_wallet bigint[], p_revenue bigint[], p_key bigint[], p_service bigint[], p_quantity bigint[], p_list_charge bigint[], p_charge bigint[], p_currency text[], p_provider text[], p_link text[], p_params jsonb[], p_idempotency_key text[], p_request_hash bytea[])
 RETURNS TABLE(at integer, outcome integer, id bigint, list_charge bigint, charge bigint, created_at timestamp with time zone)
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET lock_timeout TO '1s'
AS $function$
declare
  outcomes integer[];
  short boolean;
  stale bigint[];
  seen bigint := 0;
  available bigint := 0;
  line record;
begin
  perform pg_advisory_xact_lock_shared(7078);
  perform from ledger_account a where a.id = any (p_wallet) order by a.id for no key update;

  if 2 <> (select count(*) from epoch e
    where (e.name = 'catalogue' and e.value = p_catalogue_epoch)
      or (e.name = 'key' and e.value = p_key_epoch))
  then
    -- Something has changed since these orders were priced. Which of them does it touch?
    select array_agg(i.at) into stale
    from rows from (unnest(p_account), unnest(p_key), unnest(p_service))
      with ordinality as i (account, key, service, at)
    where not exists (
        select from service s where s.id = i.service and s.changed_epoch <= p_catalogue_epoch)
      or not exists (
        select from api_key k where k.id = i.key and k.changed_epoch <= p_key_epoch)
      or not exists (
        select from account a where a.id = i.account and a.changed_epoch <= p_key_epoch);
  end if;

  select array_agg(d.outcome order by d.at), bool_or(d.over) into outcomes, short
  from (
    select k.at, k.outcome,
      sum(case when k.outcome = 0 then k.charge else 0 end) over (partition by k.wallet)
        > w.available as over
    from (
      select i.at, i.wallet, i.charge,
        case
          when i.at = any (stale) then 9
          when o.same then 1
          when o.same is not null or n.found then 2
          else 0
        end as outcome
      from rows from (
        unnest(p_account), unnest(p_wallet), unnest(p_charge),
        unnest(p_idempotency_key), unnest(p_request_hash)
      ) with ordinality as i (account, wallet, charge, key, hash, at)
      left join lateral (
        select s.request_hash = i.hash as same from service_order s
        where (s.account_id::text || ' ' || s.idempotency_key) = i.account::text || ' ' || i.key
          and s.idempotency_key is not null
        limit 1
      ) o on i.key is not null
      left join lateral (
        select true as found from idempotency n
        where n.owner_kind = 'account' and n.owner_id = i.account and n.key = i.key
        limit 1
      ) n on i.key is not null
    ) k
    -- A left join: a row that went missing here would shift the outcomes of its neighbours.
    left join lateral (
      select a.balance - a.floor as available from ledger_account a where a.id = k.wallet limit 1
    ) w on true
  ) d;

  if short then
    -- Somebody's money does not reach for all: first come, first served, in the order given.
    for line in
      select i.at, i.wallet, i.charge
      from rows from (unnest(p_wallet), unnest(p_charge))
        with ordinality as i (wallet, charge, at)
      order by i.wallet, i.at
    loop
      if line.wallet <> seen then
        seen := line.wallet;
        select a.balance - a.floor into available from ledger_account a where a.id = seen;
      end if;
      if outcomes[line.at] = 0 then
        if line.charge > available then
          outcomes[line.at] := 3;
        else
          available := available - line.charge;
        end if;
      end if;
    end loop;
  end if;

  insert into service_order (id, account_id, api_key_id, service_id, quantity, link, params,
    currency, list_charge, charge, remains, provider, look_at, idempotency_key, request_hash,
    created_at, updated_at)
  select i.id, i.account, i.key, i.service, i.quantity, i.link, i.params, i.currency,
    i.list_charge, i.charge, i.quantity, i.provider, p_now, i.idempotency_key, i.hash,
    p_now, p_now
  from rows from (
    unnest(outcomes), unnest(p_id), unnest(p_account), unnest(p_key), unnest(p_service),
    unnest(p_quantity), unnest(p_link), unnest(p_params), unnest(p_currency),
    unnest(p_list_charge), unnest(p_charge), unnest(p_provider),
    unnest(p_idempotency_key), unnest(p_request_hash)
  ) as i (outcome, id, account, key, service, quantity, link, params, currency, list_charge,
    charge, provider, idempotency_key, hash)
  where i.outcome = 0;

  insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, account_id,
    created_at)
  select i.wallet, i.revenue, i.charge, i.currency, 'order', i.id, i.account, p_now
  from rows from (
    unnest(outcomes), unnest(p_id), unnest(p_account), unnest(p_wallet), unnest(p_revenue),
    unnest(p_charge), unnest(p_currency)
  ) as i (outcome, id, account, wallet, revenue, charge, currency)
  where i.outcome = 0 and i.charge > 0;

  insert into event (kind, subject_id, account_id, actor_kind, actor_id, created_at)
  select 'order.placed', i.id, i.account, 'key', i.key, p_now
  from rows from (unnest(outcomes), unnest(p_id), unnest(p_account), unnest(p_key))
    as i (outcome, id, account, key)
  where i.outcome = 0;

  if 0 <> any (outcomes) then
    return query
    select i.at::integer, i.outcome, o.id, o.list_charge, o.charge, o.created_at
    from rows from (unnest(outcomes), unnest(p_account), unnest(p_idempotency_key))
      with ordinality as i (outcome, account, key, at)
    left join lateral (
      select s.id, s.list_charge, s.charge, s.created_at from service_order s
      where (s.account_id::text || ' ' || s.idempotency_key) = i.account::text || ' ' || i.key
          and s.idempotency_key is not null
      limit 1
    ) o on i.outcome = 1
    where i.outcome <> 0;
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% rows are never changed or deleted', tg_table_name
    using errcode = 'restrict_violation', constraint = tg_table_name || '_append_only';
end
$function$;

CREATE OR REPLACE FUNCTION public.service_price_changed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  update service s set changed_epoch = 0
  where s.id = case when tg_op = 'DELETE' then old.service_id else new.service_id end;
  return null;
end
$function$;

create table account (
  id bigint not null generated by default as identity,
  email text not null,
  name text not null,
  currency text not null,
  time_zone text not null,
  state text not null default 'active'::text,
  changed_epoch bigint not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint account_pkey PRIMARY KEY (id),
  constraint account_currency_shape CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint account_state_known CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);
CREATE UNIQUE INDEX account_email_key ON public.account USING btree (lower(email));

create table account_user (
  id bigint not null generated by default as identity,
  account_id bigint not null,
  email text not null,
  password_hash text not null,
  role text not null default 'owner'::text,
  created_at timestamp with time zone not null,
  constraint account_user_pkey PRIMARY KEY (id),
  constraint account_user_role_known CHECK (role = ANY (ARRAY['owner'::text, 'billing'::text, 'support'::text, 'reader'::text]))
);
CREATE UNIQUE INDEX account_user_email_key ON public.account_user USING btree (lower(email));

create table api_key (
  id bigint not null generated by default as identity,
  account_id bigint,
  operator_id bigint,
  name text not null,
  prefix text not null,
  hash bytea not null,
  scopes text[] not null,
  discount_ppm integer not null default 0,
  legacy_errors boolean not null default false,
  disabled_at timestamp with time zone,
  last_used_at timestamp with time zone,
  changed_epoch bigint not null default 0,
  created_at timestamp with time zone not null,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_hash_key UNIQUE (hash),
  constraint api_key_discount_range CHECK (discount_ppm >= 0 AND discount_ppm <= 1000000),
  constraint api_key_one_owner CHECK ((account_id IS NULL) <> (operator_id IS NULL))
);
CREATE INDEX api_key_account_idx ON public.api_key USING btree (account_id);

create table clean_up_mark (
  name text not null,
  up_to bigint not null,
  constraint clean_up_mark_pkey PRIMARY KEY (name),
  constraint clean_up_mark_name_known CHECK (name = 'order_keys'::text)
);

create table credit (
  id bigint not null generated by default as identity,
  account_id bigint not null,
  amount bigint not null,
  currency text not null,
  reason text not null,
  created_at timestamp with time zone not null,
  constraint credit_pkey PRIMARY KEY (id),
  constraint credit_amount_some CHECK (amount <> 0)
);
CREATE INDEX credit_account_idx ON public.credit USING btree (account_id, id);

create table epoch (
  name text not null,
  value bigint not null,
  constraint epoch_pkey PRIMARY KEY (name),
  constraint epoch_name_known CHECK (name = ANY (ARRAY['catalogue'::text, 'key'::text]))
);

create table event (
  restore_epoch integer not null default 0,
  tx_id xid8 not null default pg_current_xact_id(),
  id bigint not null generated by default as identity (increment by 1 start with 1 cache 64),
  kind text not null,
  subject_id bigint not null,
  account_id bigint,
  actor_kind text not null,
  actor_id bigint,
  data jsonb,
  created_at timestamp with time zone not null,
  constraint event_pkey PRIMARY KEY (restore_epoch, tx_id, id),
  constraint event_actor_known CHECK (actor_kind = ANY (ARRAY['key'::text, 'user'::text, 'operator'::text, 'system'::text]))
);
CREATE INDEX event_subject_idx ON public.event USING btree (subject_id);

create table hold (
  id bigint not null generated by default as identity,
  account_id bigint not null,
  amount bigint not null,
  currency text not null,
  subject_kind text not null,
  subject_id bigint not null,
  state text not null default 'held'::text,
  settled bigint not null default 0,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint hold_pkey PRIMARY KEY (id),
  constraint hold_amount_positive CHECK (amount > 0),
  constraint hold_ended CHECK ((state = 'held'::text) = (ended_at IS NULL)),
  constraint hold_settled CHECK (settled >= 0 AND settled <= amount AND (settled > 0) = (state = 'settled'::text)),
  constraint hold_state_known CHECK (state = ANY (ARRAY['held'::text, 'settled'::text, 'released'::text]))
);
CREATE INDEX hold_account_idx ON public.hold USING btree (account_id, id);
CREATE INDEX hold_subject_idx ON public.hold USING btree (subject_kind, subject_id);

create table idempotency (
  owner_kind text not null,
  owner_id bigint not null,
  key text not null,
  operation text not null,
  input_hash bytea not null,
  result jsonb not null,
  created_at timestamp with time zone not null,
  constraint idempotency_pkey PRIMARY KEY (owner_kind, owner_id, key),
  constraint idempotency_owner_known CHECK (owner_kind = ANY (ARRAY['account'::text, 'operator'::text]))
);
CREATE INDEX idempotency_created_idx ON public.idempotency USING brin (created_at);

create table installation (
  only_row boolean not null default true,
  id uuid not null default gen_random_uuid(),
  restore_epoch integer not null default 0,
  test_clock_now timestamp with time zone,
  test_clock_set_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_one_row CHECK (only_row)
);

create table ledger_account (
  id bigint not null generated by default as identity,
  kind text not null,
  account_id bigint,
  currency text not null,
  balance bigint,
  floor bigint,
  constraint ledger_account_pkey PRIMARY KEY (id),
  constraint ledger_account_balance_kept CHECK ((account_id IS NOT NULL) = (balance IS NOT NULL)),
  constraint ledger_account_floor CHECK (balance >= floor),
  constraint ledger_account_kind_known CHECK (account_id IS NOT NULL AND (kind = ANY (ARRAY['wallet'::text, 'held'::text, 'debt'::text])) OR account_id IS NULL AND (kind = ANY (ARRAY['revenue'::text, 'clearing'::text, 'credit_granted'::text])))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.05);
CREATE UNIQUE INDEX ledger_account_owner_key ON public.ledger_account USING btree (account_id, kind) WHERE (account_id IS NOT NULL);
CREATE UNIQUE INDEX ledger_account_system_key ON public.ledger_account USING btree (kind, currency) WHERE (account_id IS NULL);

create table ledger_checkpoint (
  only_row boolean not null default true,
  transfer_id bigint not null,
  seen_transfer_id bigint not null,
  seen_xid xid8 not null,
  verified_xid xid8 not null,
  restore_epoch integer not null,
  taken_at timestamp with time zone not null,
  constraint ledger_checkpoint_pkey PRIMARY KEY (only_row),
  constraint ledger_checkpoint_one_row CHECK (only_row)
);

create table ledger_checkpoint_balance (
  ledger_account_id bigint not null,
  debits numeric not null,
  credits numeric not null,
  constraint ledger_checkpoint_balance_pkey PRIMARY KEY (ledger_account_id)
);

create table migration (
  number integer not null,
  name text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migration_pkey PRIMARY KEY (number)
);

create table operator (
  id bigint not null generated by default as identity,
  email text not null,
  name text not null,
  password_hash text not null,
  state text not null default 'active'::text,
  created_at timestamp with time zone not null,
  constraint operator_pkey PRIMARY KEY (id),
  constraint operator_state_known CHECK (state = ANY (ARRAY['active'::text, 'disabled'::text]))
);
CREATE UNIQUE INDEX operator_email_key ON public.operator USING btree (lower(email));

create table order_refund (
  id bigint not null generated by default as identity,
  order_id bigint not null,
  account_id bigint not null,
  cause text not null,
  amount bigint not null,
  reason text,
  created_at timestamp with time zone not null,
  constraint order_refund_pkey PRIMARY KEY (id),
  constraint order_refund_amount_positive CHECK (amount > 0),
  constraint order_refund_cause_known CHECK (cause = ANY (ARRAY['canceled'::text, 'partial'::text, 'failed'::text, 'operator'::text]))
);
CREATE UNIQUE INDEX order_refund_once_key ON public.order_refund USING btree (order_id) WHERE (cause <> 'operator'::text);
CREATE INDEX order_refund_order_idx ON public.order_refund USING btree (order_id);

create unlogged table rate_window (
  bucket text not null,
  minute timestamp with time zone not null,
  used bigint not null,
  constraint rate_window_pkey PRIMARY KEY (bucket, minute)
);

create table service (
  id bigint not null generated by default as identity,
  category_id bigint not null,
  name text not null,
  description text not null default ''::text,
  type text not null,
  state text not null default 'active'::text,
  "position" integer not null default 0,
  min_quantity bigint not null,
  max_quantity bigint not null,
  package_quantity bigint,
  can_refill boolean not null default false,
  can_cancel boolean not null default true,
  can_dripfeed boolean not null default false,
  provider text not null default 'simulated'::text,
  changed_epoch bigint not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint service_pkey PRIMARY KEY (id),
  constraint service_package CHECK ((type = 'Package'::text) = (package_quantity IS NOT NULL)),
  constraint service_package_positive CHECK (package_quantity > 0),
  constraint service_quantity_order CHECK (0 < min_quantity AND min_quantity <= max_quantity),
  constraint service_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text])),
  constraint service_type_known CHECK (type = ANY (ARRAY['Default'::text, 'Package'::text, 'SEO'::text, 'Custom Comments'::text, 'Custom Comments Package'::text, 'Poll'::text, 'Subscriptions'::text, 'Invites from Groups'::text]))
);

create table service_category (
  id bigint not null generated by default as identity,
  name text not null,
  "position" integer not null default 0,
  constraint service_category_pkey PRIMARY KEY (id),
  constraint service_category_name_key UNIQUE (name)
);

create table service_order (
  id bigint not null,
  account_id bigint not null,
  api_key_id bigint,
  service_id bigint not null,
  state text not null default 'pending'::text,
  quantity bigint not null,
  link text not null,
  params jsonb,
  currency text not null,
  list_charge bigint not null,
  charge bigint not null,
  refunded bigint not null default 0,
  start_count bigint,
  remains bigint not null,
  provider text not null,
  provider_ref text,
  cancel_requested_at timestamp with time zone,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  idempotency_key text,
  request_hash bytea,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  submit_asked_at timestamp with time zone,
  constraint service_order_pkey PRIMARY KEY (id),
  constraint service_order_charge CHECK (charge >= 0 AND charge <= list_charge),
  constraint service_order_key_hashed CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
  constraint service_order_look CHECK ((look_at IS NULL) = (state <> ALL (ARRAY['pending'::text, 'in_progress'::text]))),
  constraint service_order_quantity_positive CHECK (quantity > 0),
  constraint service_order_refunded CHECK (refunded >= 0 AND refunded <= charge),
  constraint service_order_remains CHECK (remains >= 0 AND remains <= quantity),
  constraint service_order_state_known CHECK (state = ANY (ARRAY['pending'::text, 'in_progress'::text, 'partial'::text, 'completed'::text, 'done'::text, 'canceled'::text, 'failed'::text]))
) with (fillfactor=85);
CREATE INDEX service_order_account_idx ON public.service_order USING btree (account_id, id);
CREATE UNIQUE INDEX service_order_idempotency_key ON public.service_order USING btree (((((account_id)::text || ' '::text) || idempotency_key))) WHERE (idempotency_key IS NOT NULL);
CREATE INDEX service_order_look_idx ON public.service_order USING btree (look_at) WHERE (look_at IS NOT NULL);

create table service_price (
  service_id bigint not null,
  currency text not null,
  rate bigint not null,
  constraint service_price_pkey PRIMARY KEY (service_id, currency),
  constraint service_price_rate_positive CHECK (rate > 0)
);

create table session (
  token_hash bytea not null,
  user_id bigint,
  operator_id bigint,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint session_pkey PRIMARY KEY (token_hash),
  constraint session_one_owner CHECK ((user_id IS NULL) <> (operator_id IS NULL))
);

create table simulated_delivery (
  order_id bigint not null,
  quantity bigint not null,
  start_count bigint not null,
  outcome text not null default 'completed'::text,
  delivered_in_the_end bigint not null,
  started_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  canceled_at timestamp with time zone,
  constraint simulated_delivery_pkey PRIMARY KEY (order_id),
  constraint simulated_delivery_outcome_known CHECK (outcome = ANY (ARRAY['completed'::text, 'partial'::text, 'failed'::text, 'canceled'::text])),
  constraint simulated_delivery_share CHECK (delivered_in_the_end >= 0 AND delivered_in_the_end <= quantity)
);

create table simulated_fault (
  operation text not null,
  fault text not null,
  times integer not null,
  constraint simulated_fault_pkey PRIMARY KEY (operation),
  constraint simulated_fault_known CHECK (fault = ANY (ARRAY['refuse'::text, 'timeout'::text, 'error'::text])),
  constraint simulated_fault_times CHECK (times >= 0)
);

create table transfer (
  id bigint not null generated by default as identity,
  debit_id bigint not null,
  credit_id bigint not null,
  amount bigint not null,
  currency text not null,
  cause_kind text not null,
  cause_id bigint not null,
  leg smallint not null default 0,
  account_id bigint not null,
  created_at timestamp with time zone not null,
  constraint transfer_pkey PRIMARY KEY (id),
  constraint transfer_cause_key UNIQUE (cause_kind, cause_id, leg),
  constraint transfer_amount_positive CHECK (amount > 0),
  constraint transfer_cause_known CHECK (cause_kind = ANY (ARRAY['order'::text, 'order_refund'::text, 'credit'::text, 'hold'::text, 'hold_end'::text])),
  constraint transfer_two_accounts CHECK (debit_id <> credit_id)
);
CREATE INDEX transfer_account_idx ON public.transfer USING btree (account_id, id);

alter table account_user add constraint account_user_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table api_key add constraint api_key_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table api_key add constraint api_key_operator_fkey
  FOREIGN KEY (operator_id) REFERENCES operator(id);
alter table credit add constraint credit_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table hold add constraint hold_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table ledger_account add constraint ledger_account_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table order_refund add constraint order_refund_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table service add constraint service_category_fkey
  FOREIGN KEY (category_id) REFERENCES service_category(id);
alter table service_price add constraint service_price_service_fkey
  FOREIGN KEY (service_id) REFERENCES service(id);
alter table session add constraint session_operator_fkey
  FOREIGN KEY (operator_id) REFERENCES operator(id);
alter table session add constraint session_user_fkey
  FOREIGN KEY (user_id) REFERENCES account_user(id);

CREATE TRIGGER account_changed BEFORE INSERT OR UPDATE OF state, currency, time_zone ON account FOR EACH ROW EXECUTE FUNCTION mark_changed('key');
CREATE TRIGGER api_key_changed BEFORE INSERT OR UPDATE OF scopes, discount_ppm, legacy_errors, disabled_at ON api_key FOR EACH ROW EXECUTE FUNCTION mark_changed('key');
CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER service_changed BEFORE INSERT OR UPDATE ON service FOR EACH ROW EXECUTE FUNCTION mark_changed('catalogue');
CREATE TRIGGER service_price_changed AFTER INSERT OR DELETE OR UPDATE ON service_price FOR EACH ROW EXECUTE FUNCTION service_price_changed();
CREATE TRIGGER transfer_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_numbered BEFORE INSERT ON transfer FOR EACH STATEMENT EXECUTE FUNCTION ledger_number();
CREATE TRIGGER transfer_posted AFTER INSERT ON transfer REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION ledger_post();

comment on sequence public.number_block is
  'Numbers of orders, handed to each process a thousand at a time: n stands for n-1000 to n-1.';
