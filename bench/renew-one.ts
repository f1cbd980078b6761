import type { PurserProcess } from './purser-process.ts'
import { CURRENCY } from './shop.ts'

/**
 * Creates `bench.renew_one`: one row for each that a paid renewal leaves behind, in the live
 * tables, in the fewest statements; triggers and constraints are the live ones, and the number of
 * the invoice is taken last. It looks nothing up but what it writes to: not the key, not whether
 * it may be renewed. Each call takes the next server of `bench.waiting`; 0 where there is none.
 */
export async function createRenewOne({ database: { pool } }: PurserProcess): Promise<void> {
  await pool.query(`
    create schema bench;
    create sequence bench.turn as bigint cache 1;
    create unlogged table bench.waiting (
      at bigint primary key, account_id bigint, wallet_id bigint, held_id bigint, ref text,
      purchase_id bigint, line_id bigint, subscription_id bigint, period_from timestamptz,
      period_to timestamptz, net bigint, gross bigint
    );
    create function bench.renew_one() returns integer language plpgsql as $$
    declare
      w bench.waiting%rowtype;
      turn bigint := nextval('bench.turn');
      paid_by bigint;
      revenue_id bigint;
      tax_id bigint;
      at_time timestamptz := now();
    begin
      select * into w from bench.waiting where at = turn;
      if not found then return 0; end if;
      select id into revenue_id from ledger_account
        where account_id is null and kind = 'revenue' and currency = '${CURRENCY}';
      select id into tax_id from ledger_account
        where account_id is null and kind = 'tax' and currency = '${CURRENCY}';
      insert into hold (account_id, amount, currency, subject_kind, subject_id, state, settled,
        settled_tax, created_at, ended_at)
      values (w.account_id, w.gross, '${CURRENCY}', 'purchase', w.purchase_id, 'settled', w.gross,
        w.gross - w.net, at_time, at_time)
      returning id into paid_by;
      insert into transfer (debit_id, credit_id, amount, currency, cause_kind, cause_id, leg,
        account_id, created_at)
      values (w.wallet_id, w.held_id, w.gross, '${CURRENCY}', 'hold', paid_by, 0, w.account_id,
          at_time),
        (w.held_id, revenue_id, w.net, '${CURRENCY}', 'hold_end', paid_by, 0, w.account_id,
          at_time),
        (w.held_id, tax_id, w.gross - w.net, '${CURRENCY}', 'hold_end', paid_by, 2, w.account_id,
          at_time);
      insert into simulated_server (ref, power_since, paid_until)
      values (w.ref, at_time, w.period_to)
      on conflict (ref) do update
      set paid_until = greatest(simulated_server.paid_until, excluded.paid_until);
      update purchase set state = 'paid', hold_id = paid_by, paid_at = at_time,
        updated_at = at_time
      where id = w.purchase_id;
      insert into subscription_period (subscription_id, period_from, period_to, billing_cycle,
        account_id, purchase_line_id, created_at)
      values (w.subscription_id, w.period_from, w.period_to, 1, w.account_id, w.line_id, at_time);
      update subscription set expires_at = w.period_to, updated_at = at_time,
        next_invoice_at = w.period_to - interval '7 days',
        suspend_at = w.period_to + interval '3 days'
      where id = w.subscription_id;
      insert into event (kind, subject_id, account_id, actor_kind, created_at)
      values ('purchase.processing', w.purchase_id, w.account_id, 'system', at_time),
        ('purchase.paid', w.purchase_id, w.account_id, 'system', at_time),
        ('subscription.renewed', w.subscription_id, w.account_id, 'system', at_time);
      with taken as (
        update invoice_series set last_number = last_number + 1 returning last_number
      )
      update invoice set state = 'paid', number = taken.last_number, paid_at = at_time,
        updated_at = at_time
      from taken where purchase_id = w.purchase_id;
      return 1;
    end
    $$`)
}

/** Lets these servers, whose renewals have been made out, be what `bench.renew_one` takes next. */
export async function waitForRenewOne(
  { database: { pool } }: PurserProcess,
  serverIds: readonly bigint[],
): Promise<void> {
  await pool.query('truncate bench.waiting')
  await pool.query("select setval('bench.turn', 1, false)")
  await pool.query(
    `insert into bench.waiting
     select row_number() over (order by v.id), v.account_id, w.id, h.id, v.provider_ref,
       l.purchase_id, l.id, s.id, l.period_from, l.period_to, l.net, l.gross
     from server v
     join subscription s on s.server_id = v.id and s.kind = 'server'
     join purchase_line l on l.subscription_id = s.id and l.period_from = s.expires_at
     join ledger_account w on w.account_id = v.account_id and w.kind = 'wallet'
     join ledger_account h on h.account_id = v.account_id and h.kind = 'held'
     where v.id = any ($1::bigint[])`,
    [serverIds],
  )
  await pool.query('analyze bench.waiting')
}

export async function dropRenewOne({ database: { pool } }: PurserProcess): Promise<void> {
  await pool.query('drop schema bench cascade')
}
