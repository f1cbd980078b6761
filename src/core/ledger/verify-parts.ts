import { type RawBuilder, sql } from 'kysely'
import { among, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * The parts of an order are of its account, service and currency, cost nothing, are numbered
 * without a gap and come to no more than it. Once it has ended so have they, and what they did not
 * deliver is what it gave back for.
 *
 * Where an operator said how it ends, what it gave back for is his word, held by
 * `refunds_within_charge`, and parts that a provider has, or may have, run to their end: none is
 * open that is yet to be handed over.
 */
export function wrongParts(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${strayParts(scope)} union all ${wrongSums(scope)}`
}

function strayParts(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order_part %s of order %s: %s', p.id, p.parent_id, case
      when w.id is null then 'there is no such order'
      when not w.unfolds then 'that is not delivered in parts'
      when p.charge <> 0 or p.refunded <> 0 then format('charge %s, refunded %s',
        ${money('p.charge')}, ${money('p.refunded')})
      else 'that is of another account, service or currency' end) as breach
    from service_order p
    left join service_order w on w.id = p.parent_id
    where p.parent_id is not null and ${among(scope.orderIds, 'p.id')}
      and (w.id is null or not w.unfolds or p.charge <> 0 or p.refunded <> 0
        or p.account_id <> w.account_id or p.service_id <> w.service_id
        or p.currency <> w.currency)`
}

function wrongSums(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('order %s is %s: quantity %s, remains %s, parts %s of %s, delivered %s, open %s,'
      ' nowhere %s', w.id, w.state, w.quantity, w.remains, p.made, p.quantity, p.delivered, p.open,
      p.nowhere)
    from (${wholes(scope)}) w
    cross join lateral (
      select count(*) as made, coalesce(max(p.part), 0) as last,
        coalesce(sum(p.quantity), 0) as quantity,
        coalesce(sum(case p.state when 'failed' then 0 when 'done' then p.quantity
          else p.quantity - p.remains end), 0) as delivered,
        count(*) filter (where p.state in ('pending', 'in_progress')) as open,
        count(*) filter (where p.state in ('pending', 'in_progress')
          and p.submit_asked_at is null and p.provider_ref is null) as nowhere
      from service_order p where p.parent_id = w.id and p.parent_id is not null
    ) p
    where p.made <> p.last or p.quantity > w.quantity
      or w.state not in ('pending', 'in_progress') and (p.nowhere > 0
        or (p.open > 0 or p.delivered <> w.quantity - w.remains)
          and 0 = (select count(*) from event e where e.subject_id = w.id
            and e.kind = 'order.' || w.state and e.actor_kind = 'operator'))`
}

/** Those that have changed, and those whose parts have. */
function wholes(scope: VerifyScope): RawBuilder<unknown> {
  if (scope.orderIds === null) return sql`select * from service_order o where o.unfolds`
  return sql`
    select * from service_order o where o.unfolds and o.id in (
      select unnest(${scope.orderIds}::bigint[])
      union select c.parent_id from service_order c
      where c.parent_id is not null and ${among(scope.orderIds, 'c.id')})`
}
