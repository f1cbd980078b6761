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

CREATE OR REPLACE FUNCTION public.place_orders(p_catalogue_epoch bigint, p_key_epoch bigint, p_now timestamp with time zone, p_id bigint[], p_account bigint[], p_wallet bigint[], p_revenue bigint[], p_key bigint[], p_service bigint[], p_quantity bigint[], p_list_charge bigint[], p_charge bigint[], p_currency text[], p_provider text[], p_link text[], p_params jsonb[], p_idempotency_key text[], p_request_hash bytea[], p_exclusive_link text[], p_unfolds boolean[], p_actor_kind text[], p_actor_id bigint[])
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
      or (i.key is not null and not exists (
        select from api_key k where k.id = i.key and k.changed_epoch <= p_key_epoch))
      or not exists (
        select from account a where a.id = i.account and a.changed_epoch <= p_key_epoch)
      or exists (
        select from account a join discount_group g on g.id = a.discount_group_id
        where a.id = i.account and g.changed_epoch > p_key_epoch);
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
          when x.found then 4
          else 0
        end as outcome
      from rows from (
        unnest(p_account), unnest(p_wallet), unnest(p_charge),
        unnest(p_idempotency_key), unnest(p_request_hash), unnest(p_service),
        unnest(p_exclusive_link)
      ) with ordinality as i (account, wallet, charge, key, hash, service, exclusive, at)
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
      left join lateral (
        select true as found from service_order s
        where (s.account_id::text || ' ' || s.service_id::text || ' ' || s.exclusive_link)
            = i.account::text || ' ' || i.service::text || ' ' || i.exclusive
          and s.exclusive_link is not null
        limit 1
      ) x on i.exclusive is not null
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
    exclusive_link, unfolds, created_at, updated_at)
  select i.id, i.account, i.key, i.service, i.quantity, i.link, i.params, i.currency,
    i.list_charge, i.charge, i.quantity, i.provider, p_now, i.idempotency_key, i.hash,
    i.exclusive, i.unfolds, p_now, p_now
  from rows from (
    unnest(outcomes), unnest(p_id), unnest(p_account), unnest(p_key), unnest(p_service),
    unnest(p_quantity), unnest(p_link), unnest(p_params), unnest(p_currency),
    unnest(p_list_charge), unnest(p_charge), unnest(p_provider),
    unnest(p_idempotency_key), unnest(p_request_hash), unnest(p_exclusive_link),
    unnest(p_unfolds)
  ) as i (outcome, id, account, key, service, quantity, link, params, currency, list_charge,
    charge, provider, idempotency_key, hash, exclusive, unfolds)
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
  select 'order.placed', i.id, i.account, i.actor_kind, i.actor_id, p_now
  from rows from (
    unnest(outcomes), unnest(p_id), unnest(p_account), unnest(p_actor_kind), unnest(p_actor_id)
  ) as i (outcome, id, account, actor_kind, actor_id)
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
  tax_profile_id bigint not null default 1,
  discount_group_id bigint,
  priced_at timestamp with time zone,
  constraint account_pkey PRIMARY KEY (id),
  constraint account_currency_shape CHECK (currency ~ '^[A-Z]{3}$'::text),
  constraint account_state_known CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text]))
);
CREATE INDEX account_discount_group_idx ON public.account USING btree (discount_group_id) WHERE (discount_group_id IS NOT NULL);
CREATE UNIQUE INDEX account_email_key ON public.account USING btree (lower(email));

create table account_rate (
  account_id bigint not null,
  service_id bigint not null,
  rate bigint not null,
  constraint account_rate_pkey PRIMARY KEY (account_id, service_id),
  constraint account_rate_positive CHECK (rate > 0)
);

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

create table addon (
  id bigint not null generated by default as identity,
  public_id uuid not null,
  key text not null,
  family text not null,
  name text not null,
  state text not null default 'active'::text,
  "position" integer not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint addon_pkey PRIMARY KEY (id),
  constraint addon_key_key UNIQUE (key),
  constraint addon_public_id_key UNIQUE (public_id),
  constraint addon_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text]))
);

create table addon_price (
  addon_id bigint not null,
  currency text not null,
  billing_cycle smallint not null,
  amount bigint not null,
  constraint addon_price_pkey PRIMARY KEY (addon_id, currency, billing_cycle),
  constraint addon_price_amount_positive CHECK (amount >= 0),
  constraint addon_price_cycle_range CHECK (billing_cycle >= 1 AND billing_cycle <= 24)
);

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

create table card (
  id bigint not null generated by default as identity,
  account_id bigint not null,
  gateway text not null,
  gateway_ref text not null,
  brand text not null,
  last_four text not null,
  removed_at timestamp with time zone,
  created_at timestamp with time zone not null,
  constraint card_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX card_account_key ON public.card USING btree (account_id) WHERE (removed_at IS NULL);

create table card_charge (
  id bigint not null generated by default as identity,
  account_id bigint not null,
  card_id bigint not null,
  purchase_id bigint not null,
  other_purchase_ids bigint[] not null default '{}'::bigint[],
  amount bigint not null,
  currency text not null,
  state text not null default 'pending'::text,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint card_charge_pkey PRIMARY KEY (id),
  constraint card_charge_amount_positive CHECK (amount > 0),
  constraint card_charge_ended CHECK ((state = 'pending'::text) = (ended_at IS NULL)),
  constraint card_charge_look CHECK ((state = 'pending'::text) = (look_at IS NOT NULL)),
  constraint card_charge_state_known CHECK (state = ANY (ARRAY['pending'::text, 'succeeded'::text, 'declined'::text]))
);
CREATE INDEX card_charge_account_idx ON public.card_charge USING btree (account_id, id);
CREATE INDEX card_charge_look_idx ON public.card_charge USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE UNIQUE INDEX card_charge_pending_key ON public.card_charge USING btree (purchase_id) WHERE (state = 'pending'::text);

create table clean_up_mark (
  name text not null,
  up_to bigint not null,
  constraint clean_up_mark_pkey PRIMARY KEY (name),
  constraint clean_up_mark_name_known CHECK (name = 'order_keys'::text)
);

create table correction (
  id bigint not null generated by default as identity,
  order_id bigint not null,
  account_id bigint not null,
  reported_state text not null,
  remains bigint not null,
  amount bigint not null,
  state text not null default 'open'::text,
  decided_by bigint,
  created_at timestamp with time zone not null,
  decided_at timestamp with time zone,
  constraint correction_pkey PRIMARY KEY (id),
  constraint correction_amount_positive CHECK (amount > 0),
  constraint correction_decided CHECK ((state = 'open'::text) = (decided_at IS NULL)),
  constraint correction_state_known CHECK (state = ANY (ARRAY['open'::text, 'confirmed'::text, 'dismissed'::text]))
);
CREATE UNIQUE INDEX correction_open_key ON public.correction USING btree (order_id) WHERE (state = 'open'::text);

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

create table discount_group (
  id bigint not null generated by default as identity,
  name text not null,
  discount_ppm integer not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  changed_epoch bigint not null default 0,
  constraint discount_group_pkey PRIMARY KEY (id),
  constraint discount_group_name_key UNIQUE (name),
  constraint discount_group_range CHECK (discount_ppm >= 0 AND discount_ppm <= 1000000)
);

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
CREATE INDEX event_status_idx ON public.event USING btree (account_id, restore_epoch, tx_id, id) WHERE (kind = ANY (ARRAY['order.in_progress'::text, 'order.partial'::text, 'order.completed'::text, 'order.done'::text, 'order.canceled'::text, 'order.failed'::text]));
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
  settled_tax bigint not null default 0,
  constraint hold_pkey PRIMARY KEY (id),
  constraint hold_amount_positive CHECK (amount > 0),
  constraint hold_ended CHECK ((state = 'held'::text) = (ended_at IS NULL)),
  constraint hold_settled CHECK (settled >= 0 AND settled <= amount AND (settled > 0) = (state = 'settled'::text)),
  constraint hold_settled_tax CHECK (settled_tax >= 0 AND settled_tax <= settled),
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

create table invoice (
  id bigint not null generated by default as identity (increment by 1 start with 40001 cache 1),
  public_id uuid not null,
  account_id bigint not null,
  purchase_id bigint not null,
  state text not null default 'unpaid'::text,
  number bigint,
  currency text not null,
  tax_rate_ppm integer not null,
  net bigint not null,
  gross bigint not null,
  issued_on timestamp with time zone not null,
  due_at timestamp with time zone not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  paid_at timestamp with time zone,
  constraint invoice_pkey PRIMARY KEY (id),
  constraint invoice_number_key UNIQUE (number),
  constraint invoice_public_id_key UNIQUE (public_id),
  constraint invoice_amounts CHECK (0 <= net AND net <= gross AND gross > 0),
  constraint invoice_paid CHECK ((state = 'paid'::text) = (number IS NOT NULL) AND (state = 'paid'::text) = (paid_at IS NOT NULL)),
  constraint invoice_state_known CHECK (state = ANY (ARRAY['unpaid'::text, 'paid'::text, 'cancelled'::text]))
) with (fillfactor=85);
CREATE INDEX invoice_account_idx ON public.invoice USING btree (account_id, id);
CREATE UNIQUE INDEX invoice_purchase_key ON public.invoice USING btree (purchase_id);

create table invoice_series (
  only_row boolean not null default true,
  last_number bigint not null,
  constraint invoice_series_pkey PRIMARY KEY (only_row),
  constraint invoice_series_one_row CHECK (only_row)
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
  constraint ledger_account_kind_known CHECK (account_id IS NOT NULL AND (kind = ANY (ARRAY['wallet'::text, 'held'::text, 'debt'::text])) OR account_id IS NULL AND (kind = ANY (ARRAY['revenue'::text, 'clearing'::text, 'credit_granted'::text, 'tax'::text])))
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

create table manual_work (
  order_id bigint not null,
  operator_id bigint not null,
  claimed_at timestamp with time zone not null,
  constraint manual_work_pkey PRIMARY KEY (order_id)
);

create table migration (
  number integer not null,
  name text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migration_pkey PRIMARY KEY (number)
);

create table notice (
  id bigint not null generated by default as identity,
  kind text not null,
  subject text not null,
  account_id bigint,
  data jsonb,
  times integer not null default 1,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  constraint notice_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX notice_open_key ON public.notice USING btree (kind, subject) WHERE (closed_at IS NULL);

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

create table plan (
  id bigint not null generated by default as identity,
  public_id uuid not null,
  key text not null,
  name text not null,
  vcpus integer not null,
  memory_mb integer not null,
  disk_gb integer not null,
  bandwidth_gb integer not null,
  minimum_billing_cycle smallint not null default 1,
  provider text not null default 'simulated'::text,
  state text not null default 'active'::text,
  "position" integer not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint plan_pkey PRIMARY KEY (id),
  constraint plan_key_key UNIQUE (key),
  constraint plan_public_id_key UNIQUE (public_id),
  constraint plan_cycle_range CHECK (minimum_billing_cycle >= 1 AND minimum_billing_cycle <= 24),
  constraint plan_resources_positive CHECK (vcpus > 0 AND memory_mb > 0 AND disk_gb > 0 AND bandwidth_gb >= 0),
  constraint plan_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text]))
);

create table plan_price (
  plan_id bigint not null,
  currency text not null,
  billing_cycle smallint not null,
  amount bigint not null,
  constraint plan_price_pkey PRIMARY KEY (plan_id, currency, billing_cycle),
  constraint plan_price_amount_positive CHECK (amount >= 0),
  constraint plan_price_cycle_range CHECK (billing_cycle >= 1 AND billing_cycle <= 24)
);

create table post_watch (
  order_id bigint not null,
  cursor text,
  seen integer not null default 0,
  updated_at timestamp with time zone not null,
  constraint post_watch_pkey PRIMARY KEY (order_id)
);

create table promo_code (
  id bigint not null generated by default as identity,
  code text not null,
  percent_ppm integer not null,
  minimum_billing_cycle smallint not null default 1,
  plan_id bigint,
  is_public boolean not null default false,
  state text not null default 'active'::text,
  valid_until timestamp with time zone,
  created_at timestamp with time zone not null,
  constraint promo_code_pkey PRIMARY KEY (id),
  constraint promo_code_cycle_range CHECK (minimum_billing_cycle >= 1 AND minimum_billing_cycle <= 24),
  constraint promo_code_percent_range CHECK (percent_ppm >= 1 AND percent_ppm <= 1000000),
  constraint promo_code_state_known CHECK (state = ANY (ARRAY['active'::text, 'disabled'::text]))
);
CREATE UNIQUE INDEX promo_code_code_key ON public.promo_code USING btree (lower(code));

create table purchase (
  id bigint not null generated by default as identity (increment by 1 start with 10001 cache 1),
  account_id bigint not null,
  kind text not null default 'renew-service'::text,
  state text not null default 'awaiting_payment'::text,
  currency text not null,
  tax_rate_ppm integer not null,
  net bigint not null,
  gross bigint not null,
  payment_method text not null default 'balance'::text,
  auto_pay boolean not null,
  promo_code_id bigint,
  due_at timestamp with time zone not null,
  pay_at timestamp with time zone,
  pay_attempts integer not null default 0,
  hold_id bigint,
  paying_owner_kind text,
  paying_owner_id bigint,
  paying_key text,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  paid_at timestamp with time zone,
  constraint purchase_pkey PRIMARY KEY (id),
  constraint purchase_amounts CHECK (0 <= net AND net <= gross),
  constraint purchase_held CHECK (hold_id IS NULL OR gross > 0 AND (state = ANY (ARRAY['processing'::text, 'paid'::text]))),
  constraint purchase_kind_known CHECK (kind = 'renew-service'::text),
  constraint purchase_look CHECK ((look_at IS NOT NULL) = (state = 'processing'::text)),
  constraint purchase_paid CHECK ((paid_at IS NOT NULL) = (state = 'paid'::text)),
  constraint purchase_paid_for CHECK ((state = ANY (ARRAY['awaiting_payment'::text, 'cancelled'::text])) OR gross = 0 OR hold_id IS NOT NULL),
  constraint purchase_pay CHECK (pay_at IS NULL OR state = 'awaiting_payment'::text),
  constraint purchase_payment_method_known CHECK (payment_method = ANY (ARRAY['balance'::text, 'card'::text])),
  constraint purchase_state_known CHECK (state = ANY (ARRAY['awaiting_payment'::text, 'processing'::text, 'paid'::text, 'cancelled'::text]))
) with (fillfactor=70);
CREATE INDEX purchase_account_idx ON public.purchase USING btree (account_id, id);
CREATE INDEX purchase_look_idx ON public.purchase USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE INDEX purchase_pay_idx ON public.purchase USING btree (pay_at) WHERE (pay_at IS NOT NULL);

create table purchase_line (
  id bigint not null generated by default as identity,
  purchase_id bigint not null,
  account_id bigint not null,
  "position" smallint not null,
  subscription_id bigint not null,
  kind text not null,
  label text not null,
  sublabel text,
  period_from timestamp with time zone not null,
  period_to timestamp with time zone not null,
  billing_cycle smallint not null,
  list_net bigint not null,
  list_gross bigint not null,
  net bigint not null,
  gross bigint not null,
  promo_code_id bigint,
  is_cancelled boolean not null default false,
  constraint purchase_line_pkey PRIMARY KEY (id),
  constraint purchase_line_amounts CHECK (0 <= net AND net <= gross AND net <= list_net AND gross <= list_gross AND list_net <= list_gross),
  constraint purchase_line_kind_known CHECK (kind = ANY (ARRAY['server'::text, 'server-addon'::text])),
  constraint purchase_line_period CHECK (period_from < period_to)
);
CREATE INDEX purchase_line_purchase_idx ON public.purchase_line USING btree (purchase_id);
CREATE UNIQUE INDEX purchase_line_renewal_key ON public.purchase_line USING btree (subscription_id, period_from) WHERE (NOT is_cancelled);

create unlogged table rate_window (
  bucket text not null,
  minute timestamp with time zone not null,
  used bigint not null,
  constraint rate_window_pkey PRIMARY KEY (bucket, minute)
);

create table refill (
  id bigint not null generated by default as identity,
  order_id bigint not null,
  account_id bigint not null,
  state text not null default 'pending'::text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  answered_at timestamp with time zone,
  constraint refill_pkey PRIMARY KEY (id),
  constraint refill_ended CHECK ((ended_at IS NULL) = (state = ANY (ARRAY['pending'::text, 'in_progress'::text]))),
  constraint refill_state_known CHECK (state = ANY (ARRAY['pending'::text, 'in_progress'::text, 'completed'::text, 'rejected'::text, 'error'::text]))
);
CREATE INDEX refill_account_idx ON public.refill USING btree (account_id, id);
CREATE UNIQUE INDEX refill_open_key ON public.refill USING btree (order_id) WHERE (ended_at IS NULL);
CREATE INDEX refill_order_idx ON public.refill USING btree (order_id, id);

create table refill_work (
  refill_id bigint not null,
  order_id bigint not null,
  provider text not null,
  order_ref text not null,
  ref text,
  state text not null default 'pending'::text,
  asked_at timestamp with time zone,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  constraint refill_work_pkey PRIMARY KEY (refill_id, order_id),
  constraint refill_work_look CHECK ((look_at IS NULL) = (state <> ALL (ARRAY['pending'::text, 'in_progress'::text]))),
  constraint refill_work_state_known CHECK (state = ANY (ARRAY['pending'::text, 'in_progress'::text, 'completed'::text, 'rejected'::text, 'error'::text]))
);
CREATE INDEX refill_work_look_idx ON public.refill_work USING btree (look_at) WHERE (look_at IS NOT NULL);

create table server (
  id bigint not null generated by default as identity,
  public_id uuid not null,
  account_id bigint not null,
  plan_id bigint not null,
  provider text not null,
  provider_ref text not null,
  hostname text not null,
  location text not null,
  image_name text not null,
  image_family text not null,
  image_version text not null,
  state text not null default 'active'::text,
  suspended_for text,
  state_told boolean not null default true,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  locked_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint server_pkey PRIMARY KEY (id),
  constraint server_provider_ref_key UNIQUE (provider, provider_ref),
  constraint server_public_id_key UNIQUE (public_id),
  constraint server_look CHECK ((look_at IS NULL) = state_told),
  constraint server_state_known CHECK (state = ANY (ARRAY['active'::text, 'suspended'::text, 'terminated'::text])),
  constraint server_suspended_for CHECK ((state = 'suspended'::text) = (suspended_for IS NOT NULL) AND (suspended_for = ANY (ARRAY['unpaid'::text, 'abuse'::text])))
);
CREATE INDEX server_account_idx ON public.server USING btree (account_id, id);
CREATE INDEX server_look_idx ON public.server USING btree (look_at) WHERE (look_at IS NOT NULL);

create table server_address (
  id bigint not null generated by default as identity,
  server_id bigint not null,
  version smallint not null,
  address inet not null,
  gateway inet not null,
  prefix smallint not null,
  is_main boolean not null default false,
  is_ddos_protected boolean not null default false,
  ptr text,
  constraint server_address_pkey PRIMARY KEY (id),
  constraint server_address_prefix CHECK (prefix >= 0 AND prefix <=
CASE version
    WHEN 4 THEN 32
    ELSE 128
END),
  constraint server_address_version CHECK (version = family(address))
);
CREATE UNIQUE INDEX server_address_address_key ON public.server_address USING btree (address);
CREATE UNIQUE INDEX server_address_main_key ON public.server_address USING btree (server_id) WHERE is_main;
CREATE INDEX server_address_server_idx ON public.server_address USING btree (server_id);

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
  quantity_step bigint not null default 1,
  link_pattern text,
  one_active_per_link boolean not null default false,
  refill_days integer,
  refill_cooldown_hours integer not null default 24,
  confirm_first boolean not null default false,
  constraint service_pkey PRIMARY KEY (id),
  constraint service_package CHECK (
CASE type
    WHEN 'Package'::text THEN package_quantity IS NOT NULL
    WHEN 'Custom Comments Package'::text THEN true
    ELSE package_quantity IS NULL
END),
  constraint service_package_positive CHECK (package_quantity > 0),
  constraint service_quantity_order CHECK (0 < min_quantity AND min_quantity <= max_quantity),
  constraint service_refill_cooldown CHECK (refill_cooldown_hours >= 0),
  constraint service_refill_days CHECK (refill_days > 0),
  constraint service_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text])),
  constraint service_step_positive CHECK (quantity_step > 0),
  constraint service_type_known CHECK (type = ANY (ARRAY['Default'::text, 'Package'::text, 'SEO'::text, 'Custom Comments'::text, 'Custom Comments Package'::text, 'Poll'::text, 'Subscriptions'::text, 'Invites from Groups'::text, 'Mentions'::text, 'Mentions with Hashtags'::text, 'Mentions Custom List'::text, 'Mentions Hashtag'::text, 'Mentions User Followers'::text, 'Mentions Media Likers'::text, 'Comment Likes'::text]))
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
  parent_id bigint,
  part integer,
  post_ref text,
  unfolds boolean not null default false,
  paused_at timestamp with time zone,
  exclusive_link text,
  unconfirmed_at timestamp with time zone,
  waiting_since timestamp with time zone,
  recheck_at timestamp with time zone,
  rechecks smallint not null default 0,
  ended_at timestamp with time zone,
  refused_by text[],
  constraint service_order_pkey PRIMARY KEY (id),
  constraint service_order_charge CHECK (charge >= 0 AND charge <= list_charge),
  constraint service_order_ended CHECK (ended_at IS NULL OR (state <> ALL (ARRAY['pending'::text, 'in_progress'::text]))),
  constraint service_order_key_hashed CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
  constraint service_order_look CHECK ((look_at IS NULL) = (state <> ALL (ARRAY['pending'::text, 'in_progress'::text]))),
  constraint service_order_part CHECK ((parent_id IS NULL) = (part IS NULL)),
  constraint service_order_part_free CHECK (parent_id IS NULL OR list_charge = 0),
  constraint service_order_part_plain CHECK (parent_id IS NULL OR NOT unfolds),
  constraint service_order_quantity_positive CHECK (quantity > 0),
  constraint service_order_refunded CHECK (refunded >= 0 AND refunded <= charge),
  constraint service_order_remains CHECK (remains >= 0 AND remains <= quantity),
  constraint service_order_state_known CHECK (state = ANY (ARRAY['pending'::text, 'in_progress'::text, 'partial'::text, 'completed'::text, 'done'::text, 'canceled'::text, 'failed'::text]))
) with (fillfactor=85);
CREATE INDEX service_order_account_idx ON public.service_order USING btree (account_id, id);
CREATE INDEX service_order_ended_idx ON public.service_order USING btree (service_id, ended_at) WHERE ((ended_at IS NOT NULL) AND (parent_id IS NULL));
CREATE UNIQUE INDEX service_order_idempotency_key ON public.service_order USING btree (((((account_id)::text || ' '::text) || idempotency_key))) WHERE (idempotency_key IS NOT NULL);
CREATE UNIQUE INDEX service_order_link_key ON public.service_order USING btree (((((((account_id)::text || ' '::text) || (service_id)::text) || ' '::text) || exclusive_link))) WHERE (exclusive_link IS NOT NULL);
CREATE INDEX service_order_look_idx ON public.service_order USING btree (provider, look_at) WHERE ((look_at IS NOT NULL) AND (NOT unfolds) AND (provider_ref IS NOT NULL));
CREATE UNIQUE INDEX service_order_part_key ON public.service_order USING btree (parent_id, part) WHERE (parent_id IS NOT NULL);
CREATE UNIQUE INDEX service_order_post_key ON public.service_order USING btree (parent_id, post_ref) WHERE (post_ref IS NOT NULL);
CREATE INDEX service_order_recheck_idx ON public.service_order USING btree (recheck_at) WHERE (recheck_at IS NOT NULL);
CREATE UNIQUE INDEX service_order_ref_key ON public.service_order USING btree (provider, provider_ref) WHERE (provider_ref IS NOT NULL);
CREATE INDEX service_order_submit_idx ON public.service_order USING btree (provider, look_at) WHERE ((look_at IS NOT NULL) AND (NOT unfolds) AND (provider_ref IS NULL));
CREATE INDEX service_order_unconfirmed_idx ON public.service_order USING btree (unconfirmed_at) WHERE (unconfirmed_at IS NOT NULL);
CREATE INDEX service_order_unfold_idx ON public.service_order USING btree (look_at) WHERE ((look_at IS NOT NULL) AND unfolds);

create table service_pace (
  service_id bigint not null,
  average_seconds bigint not null,
  counted integer not null,
  computed_at timestamp with time zone not null,
  constraint service_pace_pkey PRIMARY KEY (service_id)
);

create table service_price (
  service_id bigint not null,
  currency text not null,
  rate bigint not null,
  min_charge bigint not null default 0,
  constraint service_price_pkey PRIMARY KEY (service_id, currency),
  constraint service_price_min_charge CHECK (min_charge >= 0),
  constraint service_price_rate_positive CHECK (rate > 0)
);

create table service_provider (
  service_id bigint not null,
  "position" smallint not null,
  provider text not null,
  upstream_service text,
  follows_price boolean not null default false,
  margin_ppm integer,
  margin_fixed bigint,
  constraint service_provider_pkey PRIMARY KEY (service_id, "position"),
  constraint service_provider_once_key UNIQUE (service_id, provider)
);
CREATE INDEX service_provider_upstream_idx ON public.service_provider USING btree (provider, upstream_service);

create table session (
  token_hash bytea not null,
  user_id bigint,
  operator_id bigint,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  constraint session_pkey PRIMARY KEY (token_hash),
  constraint session_one_owner CHECK ((user_id IS NULL) <> (operator_id IS NULL))
);

create table simulated_charge (
  charge_id bigint not null,
  card_ref text not null,
  amount bigint not null,
  currency text not null,
  created_at timestamp with time zone not null,
  constraint simulated_charge_pkey PRIMARY KEY (charge_id)
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

create table simulated_post (
  username text not null,
  "position" integer not null,
  link text not null,
  posted_at timestamp with time zone not null,
  constraint simulated_post_pkey PRIMARY KEY (username, "position")
);

create table simulated_refill (
  refill_id bigint not null,
  order_id bigint not null,
  outcome text not null default 'completed'::text,
  started_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  constraint simulated_refill_pkey PRIMARY KEY (refill_id, order_id)
);

create table simulated_server (
  ref text not null,
  power text not null default 'running'::text,
  power_since timestamp with time zone not null,
  is_suspended boolean not null default false,
  paid_until timestamp with time zone,
  constraint simulated_server_pkey PRIMARY KEY (ref),
  constraint simulated_server_power_known CHECK (power = ANY (ARRAY['running'::text, 'stopped'::text]))
) with (fillfactor=85);

create table subscription (
  id bigint not null generated by default as identity,
  public_id uuid not null,
  account_id bigint not null,
  kind text not null,
  server_id bigint not null,
  plan_id bigint,
  addon_id bigint,
  quantity integer not null default 1,
  billing_cycle smallint not null,
  time_zone text not null,
  anchor_day smallint not null,
  expires_at timestamp with time zone not null,
  state text not null default 'active'::text,
  auto_pay boolean not null default true,
  next_invoice_at timestamp with time zone,
  suspend_at timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint subscription_pkey PRIMARY KEY (id),
  constraint subscription_public_id_key UNIQUE (public_id),
  constraint subscription_anchor_range CHECK (anchor_day >= 1 AND anchor_day <= 31),
  constraint subscription_cycle_range CHECK (billing_cycle >= 1 AND billing_cycle <= 24),
  constraint subscription_kind_known CHECK (kind = 'server'::text AND plan_id IS NOT NULL AND addon_id IS NULL OR kind = 'server-addon'::text AND addon_id IS NOT NULL AND plan_id IS NULL),
  constraint subscription_quantity_positive CHECK (quantity > 0),
  constraint subscription_scheduled CHECK (kind = 'server'::text AND state = 'active'::text OR next_invoice_at IS NULL AND suspend_at IS NULL),
  constraint subscription_state_known CHECK (state = ANY (ARRAY['active'::text, 'ended'::text]))
) with (fillfactor=85);
CREATE INDEX subscription_account_idx ON public.subscription USING btree (account_id, id);
CREATE INDEX subscription_next_invoice_idx ON public.subscription USING btree (next_invoice_at) WHERE (next_invoice_at IS NOT NULL);
CREATE INDEX subscription_server_idx ON public.subscription USING btree (server_id);
CREATE UNIQUE INDEX subscription_server_key ON public.subscription USING btree (server_id) WHERE (kind = 'server'::text);
CREATE INDEX subscription_suspend_idx ON public.subscription USING btree (suspend_at) WHERE (suspend_at IS NOT NULL);

create table subscription_period (
  subscription_id bigint not null,
  period_from timestamp with time zone not null,
  period_to timestamp with time zone not null,
  billing_cycle smallint not null,
  account_id bigint not null,
  purchase_line_id bigint,
  created_at timestamp with time zone not null,
  constraint subscription_period_pkey PRIMARY KEY (subscription_id, period_from),
  constraint subscription_period_forward CHECK (period_from < period_to)
);

create table tax_profile (
  id bigint not null generated by default as identity,
  name text not null,
  rate_ppm integer not null,
  prices_include_tax boolean not null,
  created_at timestamp with time zone not null default now(),
  constraint tax_profile_pkey PRIMARY KEY (id),
  constraint tax_profile_name_key UNIQUE (name),
  constraint tax_profile_rate_range CHECK (rate_ppm >= 0 AND rate_ppm <= 1000000)
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
  constraint transfer_cause_known CHECK (cause_kind = ANY (ARRAY['order'::text, 'order_refund'::text, 'credit'::text, 'hold'::text, 'hold_end'::text, 'card_charge'::text])),
  constraint transfer_two_accounts CHECK (debit_id <> credit_id)
);
CREATE INDEX transfer_account_idx ON public.transfer USING btree (account_id, id);

create table upstream (
  id bigint not null generated by default as identity,
  name text not null,
  url text not null,
  api_key text not null,
  currency text,
  is_idempotent boolean not null default false,
  state text not null default 'active'::text,
  in_flight_max integer not null default 8,
  balance_alert bigint,
  when_failing text not null default 'wait'::text,
  refund_after_minutes integer not null default 1440,
  margin_ppm integer not null default 0,
  margin_fixed bigint not null default 0,
  round_to bigint not null default 1,
  balance bigint,
  balance_at timestamp with time zone,
  services_at timestamp with time zone,
  failing_since timestamp with time zone,
  last_error text,
  look_at timestamp with time zone not null,
  lease_worker uuid,
  lease_until timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint upstream_pkey PRIMARY KEY (id),
  constraint upstream_name_key UNIQUE (name),
  constraint upstream_in_flight CHECK (in_flight_max >= 1 AND in_flight_max <= 256),
  constraint upstream_margins CHECK (margin_ppm >= 0 AND margin_fixed >= 0 AND round_to > 0),
  constraint upstream_policy_known CHECK (when_failing = ANY (ARRAY['wait'::text, 'refund'::text])),
  constraint upstream_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text]))
);

create table upstream_margin (
  upstream_id bigint not null,
  category_id bigint not null,
  margin_ppm integer not null,
  margin_fixed bigint not null,
  constraint upstream_margin_pkey PRIMARY KEY (upstream_id, category_id),
  constraint upstream_margin_range CHECK (margin_ppm >= 0 AND margin_fixed >= 0)
);

create table upstream_service (
  upstream_id bigint not null,
  service text not null,
  name text not null,
  type text not null,
  category text not null,
  description text not null default ''::text,
  rate bigint not null,
  min_quantity bigint not null,
  max_quantity bigint not null,
  can_refill boolean not null default false,
  can_cancel boolean not null default false,
  can_dripfeed boolean not null default false,
  seen_at timestamp with time zone not null,
  gone_at timestamp with time zone,
  constraint upstream_service_pkey PRIMARY KEY (upstream_id, service)
);

create table webhook_cursor (
  only_row boolean not null default true,
  restore_epoch integer not null default 0,
  tx_id xid8 not null default '0'::xid8,
  event_id bigint not null default 0,
  constraint webhook_cursor_pkey PRIMARY KEY (only_row),
  constraint webhook_cursor_one_row CHECK (only_row)
);

create table webhook_endpoint (
  id bigint not null generated by default as identity,
  public_id uuid not null,
  account_id bigint not null,
  url text not null,
  secret text not null,
  secret_before text,
  rotated_at timestamp with time zone,
  is_main boolean not null default false,
  state text not null default 'active'::text,
  disabled_because text,
  failing_since timestamp with time zone,
  look_at timestamp with time zone,
  lease_worker uuid,
  lease_until timestamp with time zone,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint webhook_endpoint_pkey PRIMARY KEY (id),
  constraint webhook_endpoint_public_key UNIQUE (public_id),
  constraint webhook_endpoint_state_known CHECK (state = ANY (ARRAY['active'::text, 'disabled'::text, 'removed'::text])),
  constraint webhook_endpoint_why CHECK ((state = 'disabled'::text) = (disabled_because IS NOT NULL))
);
CREATE INDEX webhook_endpoint_account_idx ON public.webhook_endpoint USING btree (account_id, id);
CREATE INDEX webhook_endpoint_look_idx ON public.webhook_endpoint USING btree (look_at) WHERE (look_at IS NOT NULL);
CREATE UNIQUE INDEX webhook_endpoint_main_key ON public.webhook_endpoint USING btree (account_id) WHERE (is_main AND (state <> 'removed'::text));

create table webhook_message (
  id bigint not null generated by default as identity,
  endpoint_id bigint not null,
  account_id bigint not null,
  order_id bigint not null,
  event_id text not null,
  body text not null,
  state text not null default 'pending'::text,
  attempts integer not null default 0,
  next_at timestamp with time zone,
  last_status integer,
  last_error text,
  is_replay boolean not null default false,
  created_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint webhook_message_pkey PRIMARY KEY (id),
  constraint webhook_message_next CHECK ((state = 'pending'::text) = (next_at IS NOT NULL)),
  constraint webhook_message_state_known CHECK (state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text, 'discarded'::text]))
);
CREATE INDEX webhook_message_created_idx ON public.webhook_message USING brin (created_at);
CREATE INDEX webhook_message_endpoint_idx ON public.webhook_message USING btree (endpoint_id, id);
CREATE INDEX webhook_message_next_idx ON public.webhook_message USING btree (endpoint_id, next_at, id) WHERE (next_at IS NOT NULL);
CREATE UNIQUE INDEX webhook_message_once_key ON public.webhook_message USING btree (endpoint_id, event_id) WHERE (NOT is_replay);
CREATE INDEX webhook_message_order_idx ON public.webhook_message USING btree (endpoint_id, order_id) WHERE (next_at IS NOT NULL);

alter table account add constraint account_discount_group_fkey
  FOREIGN KEY (discount_group_id) REFERENCES discount_group(id);
alter table account add constraint account_tax_profile_fkey
  FOREIGN KEY (tax_profile_id) REFERENCES tax_profile(id);
alter table account_rate add constraint account_rate_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table account_rate add constraint account_rate_service_fkey
  FOREIGN KEY (service_id) REFERENCES service(id);
alter table account_user add constraint account_user_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table addon_price add constraint addon_price_addon_fkey
  FOREIGN KEY (addon_id) REFERENCES addon(id);
alter table api_key add constraint api_key_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table api_key add constraint api_key_operator_fkey
  FOREIGN KEY (operator_id) REFERENCES operator(id);
alter table card add constraint card_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table card_charge add constraint card_charge_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table card_charge add constraint card_charge_card_fkey
  FOREIGN KEY (card_id) REFERENCES card(id);
alter table card_charge add constraint card_charge_purchase_fkey
  FOREIGN KEY (purchase_id) REFERENCES purchase(id);
alter table correction add constraint correction_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table credit add constraint credit_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table ledger_account add constraint ledger_account_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table manual_work add constraint manual_work_operator_fkey
  FOREIGN KEY (operator_id) REFERENCES operator(id);
alter table manual_work add constraint manual_work_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table order_refund add constraint order_refund_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table plan_price add constraint plan_price_plan_fkey
  FOREIGN KEY (plan_id) REFERENCES plan(id);
alter table post_watch add constraint post_watch_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table promo_code add constraint promo_code_plan_fkey
  FOREIGN KEY (plan_id) REFERENCES plan(id);
alter table purchase add constraint purchase_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table purchase add constraint purchase_promo_code_fkey
  FOREIGN KEY (promo_code_id) REFERENCES promo_code(id);
alter table purchase_line add constraint purchase_line_promo_code_fkey
  FOREIGN KEY (promo_code_id) REFERENCES promo_code(id);
alter table purchase_line add constraint purchase_line_subscription_fkey
  FOREIGN KEY (subscription_id) REFERENCES subscription(id);
alter table refill add constraint refill_order_fkey
  FOREIGN KEY (order_id) REFERENCES service_order(id);
alter table refill_work add constraint refill_work_refill_fkey
  FOREIGN KEY (refill_id) REFERENCES refill(id);
alter table server add constraint server_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table server add constraint server_plan_fkey
  FOREIGN KEY (plan_id) REFERENCES plan(id);
alter table server_address add constraint server_address_server_fkey
  FOREIGN KEY (server_id) REFERENCES server(id);
alter table service add constraint service_category_fkey
  FOREIGN KEY (category_id) REFERENCES service_category(id);
alter table service_pace add constraint service_pace_service_fkey
  FOREIGN KEY (service_id) REFERENCES service(id);
alter table service_price add constraint service_price_service_fkey
  FOREIGN KEY (service_id) REFERENCES service(id);
alter table service_provider add constraint service_provider_service_fkey
  FOREIGN KEY (service_id) REFERENCES service(id);
alter table session add constraint session_operator_fkey
  FOREIGN KEY (operator_id) REFERENCES operator(id);
alter table session add constraint session_user_fkey
  FOREIGN KEY (user_id) REFERENCES account_user(id);
alter table subscription add constraint subscription_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);
alter table subscription add constraint subscription_addon_fkey
  FOREIGN KEY (addon_id) REFERENCES addon(id);
alter table subscription add constraint subscription_plan_fkey
  FOREIGN KEY (plan_id) REFERENCES plan(id);
alter table subscription add constraint subscription_server_fkey
  FOREIGN KEY (server_id) REFERENCES server(id);
alter table subscription_period add constraint subscription_period_subscription_fkey
  FOREIGN KEY (subscription_id) REFERENCES subscription(id);
alter table upstream_margin add constraint upstream_margin_category_fkey
  FOREIGN KEY (category_id) REFERENCES service_category(id);
alter table upstream_margin add constraint upstream_margin_upstream_fkey
  FOREIGN KEY (upstream_id) REFERENCES upstream(id);
alter table upstream_service add constraint upstream_service_upstream_fkey
  FOREIGN KEY (upstream_id) REFERENCES upstream(id);
alter table webhook_endpoint add constraint webhook_endpoint_account_fkey
  FOREIGN KEY (account_id) REFERENCES account(id);

CREATE TRIGGER account_changed BEFORE INSERT OR UPDATE OF state, currency, time_zone, discount_group_id, priced_at ON account FOR EACH ROW EXECUTE FUNCTION mark_changed('key');
CREATE TRIGGER api_key_changed BEFORE INSERT OR UPDATE OF scopes, discount_ppm, legacy_errors, disabled_at ON api_key FOR EACH ROW EXECUTE FUNCTION mark_changed('key');
CREATE TRIGGER discount_group_changed BEFORE INSERT OR UPDATE OF discount_ppm ON discount_group FOR EACH ROW EXECUTE FUNCTION mark_changed('key');
CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER service_changed BEFORE INSERT OR UPDATE ON service FOR EACH ROW EXECUTE FUNCTION mark_changed('catalogue');
CREATE TRIGGER service_price_changed AFTER INSERT OR DELETE OR UPDATE ON service_price FOR EACH ROW EXECUTE FUNCTION service_price_changed();
CREATE TRIGGER subscription_period_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON subscription_period FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transfer_numbered BEFORE INSERT ON transfer FOR EACH STATEMENT EXECUTE FUNCTION ledger_number();
CREATE TRIGGER transfer_posted AFTER INSERT ON transfer REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION ledger_post();

comment on sequence public.number_block is
  'Numbers of orders, handed to each process a thousand at a time: n stands for n-1000 to n-1.';
