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

/**
 * An order is placed once, enters each later state at most once and its present one exactly once,
 * and ends at most once. The same is true of a part of an order, in events of its own.
 */
export function wrongOrderEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('%s %s is %s: events of placing %s, of starting %s, of ending %s, last %s',
      coalesce(o.name, s.name), coalesce(o.id, s.subject_id), coalesce(o.state, 'missing'),
      coalesce(s.placed, 0), coalesce(s.started, 0), coalesce(s.ended, 0),
      coalesce(s.name || '.' || s.end_verb, 'none')) as breach
    from (
      select o.id, o.state, case when o.parent_id is null then 'order' else 'order_part' end as name
      from service_order o where ${among(scope.orderIds, 'o.id')}
    ) o
    full join (
      select e.subject_id, e.name, count(*) filter (where e.verb = 'placed') as placed,
        count(*) filter (where e.verb = 'in_progress') as started,
        count(*) filter (where e.verb in ${END_VERBS}) as ended,
        max(e.verb) filter (where e.verb in ${END_VERBS}) as end_verb
      from (
        select subject_id, split_part(kind, '.', 1) as name, split_part(kind, '.', 2) as verb
        from event
        where (kind like 'order.%' or kind like 'order\\_part.%')
          and ${among(scope.orderIds, 'subject_id')}
      ) e
      group by e.subject_id, e.name
    ) s on s.subject_id = o.id and s.name = o.name
    where o.id is null or s.placed is distinct from 1 or s.started > 1 or s.ended > 1
      or case o.state
        when 'pending' then s.started + s.ended > 0
        when 'in_progress' then s.started <> 1 or s.ended > 0
        else s.end_verb is distinct from o.state
      end`
}

const END_VERBS = sql`('partial', 'completed', 'done', 'canceled', 'failed')`
