import { type RawBuilder, sql } from 'kysely'
import { among, isNew, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * SQL for the transfers that orders, refunds, credits, holds and charges of cards ought to have, by
 * the kinds of ledger accounts that give and receive. `scope` limits it where one is given.
 */
function expected(scope: VerifyScope | null): RawBuilder<unknown> {
  const order = scope === null ? sql`true` : among(scope.orderIds, 'o.id')
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
    select 'hold_end', h.id, 0, h.settled - h.settled_tax, h.currency, h.account_id, 'held',
      'revenue'
    from hold h where h.settled > h.settled_tax and ${changed('h')}
    union all
    select 'hold_end', h.id, 1, h.amount - h.settled, h.currency, h.account_id, 'held', 'wallet'
    from hold h where h.state <> 'held' and h.settled < h.amount and ${changed('h')}
    union all
    select 'hold_end', h.id, 2, h.settled_tax, h.currency, h.account_id, 'held', 'tax'
    from hold h where h.settled_tax > 0 and ${changed('h')}
    union all
    select 'card_charge', g.id, 0, g.amount, g.currency, g.account_id, 'clearing', 'wallet'
    from card_charge g where g.state = 'succeeded' and ${changed('g')}`
}

export function wrongCauses(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('transfer %s: %s %s leg %s, %s %s of account %s, %s', t.id, t.cause_kind,
      t.cause_id, t.leg, ${money('t.amount')}, t.currency, t.account_id,
      case when e.cause_id is null then 'has no such cause'
      else format('the cause asks for %s %s of account %s from %s to %s', ${money('e.amount')},
        e.currency, e.account_id, e.gives, e.receives) end) as breach
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

export function missingTransfers(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s %s leg %s: no transfer of %s %s for account %s', e.cause_kind, e.cause_id,
      e.leg, ${money('e.amount')}, e.currency, e.account_id) as breach
    from (${expected(scope)}) e
    left join transfer t on t.cause_kind = e.cause_kind and t.cause_id = e.cause_id
      and t.leg = e.leg and t.amount = e.amount and t.currency = e.currency
      and t.account_id = e.account_id
    where t.id is null`
}
