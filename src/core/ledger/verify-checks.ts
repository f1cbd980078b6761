import { type RawBuilder, sql } from 'kysely'
import { movedByAccount, totalsByCurrency } from './ledger-totals.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * What must hold of the books. Each check is SQL for its breaches, one line of text a row, naming
 * ids and amounts and nothing personal. They read the tables of other folders: what these say of
 * money has to agree with the transfers.
 */
export interface VerifyCheck {
  readonly name: string
  breaches(scope: VerifyScope): RawBuilder<unknown>
}

export const VERIFY_CHECKS: readonly VerifyCheck[] = [
  { name: 'debits_equal_credits', breaches: unequalTotals },
  { name: 'balance_is_sum_of_transfers', breaches: wrongBalances },
  { name: 'balance_not_below_floor', breaches: belowFloor },
  { name: 'transfer_between_existing_accounts', breaches: wrongAccounts },
  { name: 'transfer_has_one_cause', breaches: wrongCauses },
  { name: 'cause_has_its_transfer', breaches: missingTransfers },
  { name: 'refunds_within_charge', breaches: wrongRefunds },
  { name: 'one_event_per_change', breaches: wrongEvents },
]

/** Micros as a decimal of the unit, for people. */
function money(column: string): RawBuilder<string> {
  return sql`trim_scale(${sql.ref(column)} / 1000000::numeric)`
}

function ofScope(scope: VerifyScope, column: string): RawBuilder<boolean> {
  if (scope.orderIds === null) return sql`true`
  return sql`${sql.ref(column)} = any (${scope.orderIds}::bigint[])`
}

function isNew(scope: VerifyScope): RawBuilder<boolean> {
  return scope.afterTransferId === null ? sql`true` : sql`t.id > ${scope.afterTransferId}`
}

function unequalTotals(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s: debits %s, credits %s', s.currency, ${money('s.debits')},
      ${money('s.credits')}) as breach
    from (${totalsByCurrency(scope.afterTransferId)}) s
    where s.debits <> s.credits`
}

function wrongBalances(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s %s of account %s: balance %s, its transfers make %s', a.kind, a.id,
      a.account_id, ${money('a.balance')}, trim_scale(coalesce(s.made, 0) / 1000000)) as breach
    from ledger_account a
    left join (
      select m.id, sum(m.credits) - sum(m.debits) as made
      from (${movedByAccount(scope.afterTransferId)}) m group by m.id
    ) s on s.id = a.id
    where a.balance <> coalesce(s.made, 0)`
}

function belowFloor(): RawBuilder<unknown> {
  return sql`
    select format('%s %s of account %s: balance %s is below %s', a.kind, a.id, a.account_id,
      ${money('a.balance')}, ${money('a.floor')}) as breach
    from ledger_account a
    where a.balance < a.floor`
}

function wrongAccounts(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('transfer %s of account %s in %s: from %s, to %s', t.id, t.account_id, t.currency,
      coalesce(d.kind || ' ' || d.id || ' in ' || d.currency, 'none ' || t.debit_id),
      coalesce(c.kind || ' ' || c.id || ' in ' || c.currency, 'none ' || t.credit_id)) as breach
    from transfer t
    left join ledger_account d on d.id = t.debit_id
    left join ledger_account c on c.id = t.credit_id
    where ${isNew(scope)} and (
      d.id is null or d.currency <> t.currency or d.account_id <> t.account_id
      or c.id is null or c.currency <> t.currency or c.account_id <> t.account_id)`
}

/**
 * SQL for the transfers that orders, refunds, credits and holds ought to have, by the kinds of
 * ledger accounts that give and receive (null: of every kind). `scope` limits it where one is given.
 */
function expected(scope: VerifyScope | null): RawBuilder<unknown> {
  const order = scope === null ? sql`true` : ofScope(scope, 'o.id')
  const changed = (alias: string) => (scope === null ? sql`true` : scope.changed(alias))
  return sql`
    select 'order' as cause_kind, o.id as cause_id, 0 as leg, o.charge as amount, o.currency,
      o.account_id, 'wallet' as gives, 'revenue' as receives
    from service_order o where o.charge > 0 and ${order}
    union all
    select 'order_refund', r.id, 0, r.amount, o.currency, o.account_id, 'revenue', 'wallet'
    from order_refund r
    join service_order o on o.id = r.order_id and o.account_id = r.account_id
    where ${order}
    union all
    select 'credit', c.id, 0, abs(c.amount), c.currency, c.account_id,
      case when c.amount > 0 then 'credit_granted' else 'wallet' end,
      case when c.amount > 0 then 'wallet' else 'credit_granted' end
    from credit c where ${changed('c')}
    union all
    select 'hold', h.id, 0, h.amount, h.currency, h.account_id, 'wallet', 'held'
    from hold h where ${changed('h')}
    union all
    select 'hold_end', h.id, 0, h.settled, h.currency, h.account_id, 'held', null
    from hold h where h.settled > 0 and ${changed('h')}
    union all
    select 'hold_end', h.id, 1, h.amount - h.settled, h.currency, h.account_id, 'held', 'wallet'
    from hold h where h.state <> 'held' and h.settled < h.amount and ${changed('h')}`
}

function wrongCauses(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('transfer %s: %s %s leg %s, %s %s of account %s, %s', t.id, t.cause_kind,
      t.cause_id, t.leg, ${money('t.amount')}, t.currency, t.account_id,
      case when e.cause_id is null then 'has no such cause'
      else format('the cause asks for %s %s of account %s from %s to %s', ${money('e.amount')},
        e.currency, e.account_id, e.gives, coalesce(e.receives, 'any')) end) as breach
    from transfer t
    ${leftJoinCause(scope)}
    left join ledger_account d on d.id = t.debit_id
    left join ledger_account c on c.id = t.credit_id
    where ${isNew(scope)} and (
      e.cause_id is null or e.amount <> t.amount or e.currency <> t.currency
      or e.account_id <> t.account_id or e.gives <> d.kind or e.receives <> c.kind)
    union all
    select format('%s %s leg %s: transfers %s', s.cause_kind, s.cause_id, s.leg, s.ids)
    from (${repeatedCauses(scope)}) s`
}

/**
 * All causes hashed once where every transfer is looked at; else one look-up for each transfer,
 * which the planner would not choose by itself across a union (`offset 0` keeps it from trying).
 */
function leftJoinCause(scope: VerifyScope): RawBuilder<unknown> {
  const same = sql`e.cause_kind = t.cause_kind and e.cause_id = t.cause_id and e.leg = t.leg`
  if (scope.afterTransferId === null) return sql`left join (${expected(null)}) e on ${same}`
  return sql`
    left join lateral (select * from (${expected(null)}) e where ${same} offset 0) e on true`
}

/** Causes of which a leg has more than one transfer. */
function repeatedCauses(scope: VerifyScope): RawBuilder<unknown> {
  if (scope.afterTransferId === null) {
    return sql`
      select cause_kind, cause_id, leg, min(id) || ' to ' || max(id) as ids
      from transfer group by cause_kind, cause_id, leg having count(*) > 1`
  }
  return sql`
    select t.cause_kind, t.cause_id, t.leg, u.id || ' and ' || t.id as ids
    from transfer t
    join transfer u on u.cause_kind = t.cause_kind and u.cause_id = t.cause_id
      and u.leg = t.leg and u.id < t.id
    where ${isNew(scope)}`
}

function missingTransfers(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s %s leg %s: no transfer of %s %s for account %s', e.cause_kind, e.cause_id,
      e.leg, ${money('e.amount')}, e.currency, e.account_id) as breach
    from (${expected(scope)}) e
    left join transfer t on t.cause_kind = e.cause_kind and t.cause_id = e.cause_id
      and t.leg = e.leg and t.amount = e.amount and t.currency = e.currency
      and t.account_id = e.account_id
    where t.id is null`
}

function wrongRefunds(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order %s: charge %s, refunded %s, its refunds make %s', o.id,
      ${money('o.charge')}, ${money('o.refunded')}, trim_scale(coalesce(s.made, 0) / 1000000))
      as breach
    from service_order o
    left join (
      select r.order_id, sum(r.amount) as made from order_refund r
      where ${ofScope(scope, 'r.order_id')} group by r.order_id
    ) s on s.order_id = o.id
    where ${ofScope(scope, 'o.id')}
      and (coalesce(s.made, 0) <> o.refunded or coalesce(s.made, 0) > o.charge)`
}

const END_KINDS = sql`
  ('order.partial', 'order.completed', 'order.done', 'order.canceled', 'order.failed')`

/**
 * An order is placed once, enters each later state at most once and its present one exactly once,
 * and ends at most once; a credit is granted or taken back once.
 */
function wrongEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order %s is %s: events of placing %s, of starting %s, of ending %s, last %s',
      coalesce(o.id, s.subject_id), coalesce(o.state, 'missing'), coalesce(s.placed, 0),
      coalesce(s.started, 0), coalesce(s.ended, 0), coalesce(s.end_kind, 'none')) as breach
    from (select * from service_order o where ${ofScope(scope, 'o.id')}) o
    full join (
      select e.subject_id,
        count(*) filter (where e.kind = 'order.placed') as placed,
        count(*) filter (where e.kind = 'order.in_progress') as started,
        count(*) filter (where e.kind in ${END_KINDS}) as ended,
        max(e.kind) filter (where e.kind in ${END_KINDS}) as end_kind
      from event e
      where e.kind like 'order.%' and ${ofScope(scope, 'e.subject_id')}
      group by e.subject_id
    ) s on s.subject_id = o.id
    where o.id is null or s.placed is distinct from 1 or s.started > 1 or s.ended > 1
      or case o.state
        when 'pending' then s.started + s.ended > 0
        when 'in_progress' then s.started <> 1 or s.ended > 0
        else s.end_kind is distinct from 'order.' || o.state
      end
    union all
    select format('credit %s: %s events', c.id, n.count)
    from credit c
    cross join lateral (
      select count(*) from event e
      where e.subject_id = c.id and e.kind in ('credit.granted', 'credit.taken_back')
    ) n
    where ${scope.changed('c')} and n.count <> 1`
}
