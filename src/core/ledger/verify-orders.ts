import { type RawBuilder, sql } from 'kysely'
import { among, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * All refunds of an order together are what it says, and at most its charge. Its end gives back at
 * most once, by the rule of its state, whoever ended it: partial and canceled the share that was
 * not delivered, rounded down, or what was left of the charge where that was less; failed all that
 * was left; any other state nothing. What an operator gives back besides is bound by the charge
 * alone.
 */
export function wrongRefunds(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select case when f.made <> o.refunded or f.made > o.charge
      then format('order %s: charge %s, refunded %s, its refunds make %s', o.id,
        ${money('o.charge')}, ${money('o.refunded')}, ${money('f.made')})
      else format('order %s is %s: charge %s, remains %s of %s, given back as %s %s, in all %s', o.id,
        o.state, ${money('o.charge')}, o.remains, o.quantity, coalesce(f.cause, 'none'),
        ${money('f.by_end')}, ${money('f.made')})
      end as breach
    from service_order o
    left join (
      select r.order_id, sum(r.amount) as made,
        sum(r.amount) filter (where r.cause <> 'operator') as by_end,
        string_agg(r.cause, ' ') filter (where r.cause <> 'operator') as cause
      from order_refund r
      where ${among(scope.orderIds, 'r.order_id')} group by r.order_id
    ) s on s.order_id = o.id
    cross join lateral (
      select coalesce(s.made, 0) as made, coalesce(s.by_end, 0) as by_end, s.cause,
        div(o.charge::numeric * o.remains, o.quantity) as share
    ) f
    where ${among(scope.orderIds, 'o.id')}
      and (f.made <> o.refunded or f.made > o.charge or f.cause <> o.state
        or case o.state when 'failed' then f.made < o.charge
          when 'partial' then f.by_end > f.share or f.by_end < f.share and f.made < o.charge
          when 'canceled' then f.by_end > f.share or f.by_end < f.share and f.made < o.charge
          else f.by_end > 0 end)`
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
