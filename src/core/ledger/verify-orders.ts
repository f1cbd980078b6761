import { type RawBuilder, sql } from 'kysely'
import { among, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

export function wrongRefunds(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order %s: charge %s, refunded %s, its refunds make %s', o.id,
      ${money('o.charge')}, ${money('o.refunded')}, trim_scale(coalesce(s.made, 0) / 1000000))
      as breach
    from service_order o
    left join (
      select r.order_id, sum(r.amount) as made from order_refund r
      where ${among(scope.orderIds, 'r.order_id')} group by r.order_id
    ) s on s.order_id = o.id
    where ${among(scope.orderIds, 'o.id')}
      and (coalesce(s.made, 0) <> o.refunded or coalesce(s.made, 0) > o.charge)`
}

const END_KINDS = sql`
  ('order.partial', 'order.completed', 'order.done', 'order.canceled', 'order.failed')`

/**
 * An order is placed once, enters each later state at most once and its present one exactly once,
 * and ends at most once.
 */
export function wrongOrderEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order %s is %s: events of placing %s, of starting %s, of ending %s, last %s',
      coalesce(o.id, s.subject_id), coalesce(o.state, 'missing'), coalesce(s.placed, 0),
      coalesce(s.started, 0), coalesce(s.ended, 0), coalesce(s.end_kind, 'none')) as breach
    from (select * from service_order o where ${among(scope.orderIds, 'o.id')}) o
    full join (
      select e.subject_id,
        count(*) filter (where e.kind = 'order.placed') as placed,
        count(*) filter (where e.kind = 'order.in_progress') as started,
        count(*) filter (where e.kind in ${END_KINDS}) as ended,
        max(e.kind) filter (where e.kind in ${END_KINDS}) as end_kind
      from event e
      where e.kind like 'order.%' and ${among(scope.orderIds, 'e.subject_id')}
      group by e.subject_id
    ) s on s.subject_id = o.id
    where o.id is null or s.placed is distinct from 1 or s.started > 1 or s.ended > 1
      or case o.state
        when 'pending' then s.started + s.ended > 0
        when 'in_progress' then s.started <> 1 or s.ended > 0
        else s.end_kind is distinct from 'order.' || o.state
      end`
}
