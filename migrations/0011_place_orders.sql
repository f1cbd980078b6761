-- Placing orders: as before, and who asks need not be a key; outcome 4: the account has an order
-- of this service for this link that has not ended.
drop function place_orders(bigint, bigint, timestamptz, bigint[], bigint[], bigint[], bigint[],
  bigint[], bigint[], bigint[], bigint[], bigint[], text[], text[], text[], jsonb[], text[],
  bytea[]);
create function place_orders(
  p_catalogue_epoch bigint, p_key_epoch bigint, p_now timestamptz,
  p_id bigint[], p_account bigint[], p_wallet bigint[], p_revenue bigint[], p_key bigint[],
  p_service bigint[], p_quantity bigint[], p_list_charge bigint[], p_charge bigint[],
  p_currency text[], p_provider text[], p_link text[], p_params jsonb[],
  p_idempotency_key text[], p_request_hash bytea[], p_exclusive_link text[], p_unfolds boolean[],
  p_actor_kind text[], p_actor_id bigint[]
) returns table (
  at integer, outcome integer, id bigint, list_charge bigint, charge bigint, created_at timestamptz)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan set lock_timeout = '1s'
as $$
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
$$;
