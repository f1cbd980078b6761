import { type RawBuilder, sql } from 'kysely'
import { among, instant } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * A refill is of an order that was delivered, in whole or in part, not of a part, and of its
 * account. Only the last refill of an order is open, and only what has ended has the time of its
 * end. It stands as its works do, unless an operator said how it ends, and whoever was told of it
 * was told of what a provider had taken, or what the operator saw to.
 *
 * Each of its works is of a delivery of that order which was delivered, at the provider and under
 * the number that it was delivered by. One that is under way or completed has the provider's number
 * for it, unless an operator completed it, and what has such a number was asked for.
 *
 * Whether its service allowed it is not told by the rows: what services allow may change later.
 */
export function wrongRefills(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${strayRefills(scope)} union all ${strayWorks(scope)}`
}

function strayRefills(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('refill %s of order %s is %s: %s', r.id, r.order_id, r.state, b.why) as breach
    from refill r
    left join service_order o on o.id = r.order_id
    left join (${standings(scope)}) k on k.refill_id = r.id
    cross join lateral (
      select case
        when o.id is null then 'there is no such order'
        when o.parent_id is not null then format('that is a part of order %s', o.parent_id)
        when o.account_id <> r.account_id then 'that is of another account'
        when o.state not in ${DELIVERED} then format('that is %s', o.state)
        when (r.ended_at is null) <> (r.state in ${OPEN})
          then format('ended at %s', coalesce(${instant('r.ended_at')}, 'no time'))
        when r.state in ${OPEN} and exists (
          select from refill n where n.order_id = r.order_id and n.id > r.id)
          then 'there is a later one'
        when k.refill_id is null then 'nobody is asked for it'
        when r.answered_at is not null and not k.taken then 'told of, and nobody has taken it'
        when k.state <> r.state
          and not (r.state = any (k.ends) and k.state not in ${OPEN} and ${endedByOperator('r')})
          then format('its works make it %s', k.state)
        end as why
    ) b
    where ${among(scope.refillIds, 'r.id')} and b.why is not null`
}

/** How refills stand by their works: as `wholeState` of the refills has it. */
function standings(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select k.refill_id, array_agg(k.state) as ends,
      bool_or(k.ref is not null or k.state in ('completed', 'error')) as taken,
      case
        when bool_or(k.state in ${OPEN}) then
          case when bool_and(k.state in ('pending', 'rejected')) then 'pending'
            else 'in_progress' end
        when bool_or(k.state = 'error') then 'error'
        when bool_or(k.state = 'completed') then 'completed'
        else 'rejected' end as state
    from refill_work k
    where ${among(scope.refillIds, 'k.refill_id')} group by k.refill_id`
}

function strayWorks(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('refill %s, %s at %s as %s, is %s: %s', k.refill_id, k.order_id, k.provider,
      k.order_ref, k.state, b.why)
    from refill_work k
    left join refill r on r.id = k.refill_id
    left join service_order d on d.id = k.order_id
    cross join lateral (
      select case
        when r.id is null then 'there is no such refill'
        when d.id is null then 'there is no such order'
        when d.unfolds or coalesce(d.parent_id, d.id) <> r.order_id
          then format('that is no delivery of order %s', r.order_id)
        when d.state not in ${DELIVERED} then format('the delivery is %s', d.state)
        when d.provider <> k.provider or d.provider_ref is distinct from k.order_ref
          then format('that was delivered at %s as %s', d.provider, coalesce(d.provider_ref, 'none'))
        when k.ref is not null and k.asked_at is null then 'taken, and never asked for'
        when k.ref is null and k.state in ('in_progress', 'completed')
          and not (k.state = 'completed' and r.state = 'completed' and ${endedByOperator('r')})
          then 'the provider has no number for it'
        end as why
    ) b
    where ${among(scope.refillIds, 'k.refill_id')} and b.why is not null`
}

/**
 * A refill ends once, as it says, and is told of once. It comes and goes between pending and in
 * progress; one that nobody was told of and that no provider wanted is unmade, and has no events.
 */
export function wrongRefillEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('refill %s is %s: events of asking %s, of ending %s, last %s', r.id, r.state,
      n.requested, n.ended, coalesce(n.last, 'none'))
    from refill r
    cross join lateral (
      select count(*) filter (where e.kind = 'refill.requested') as requested,
        count(*) filter (where e.kind in ${END_KINDS}) as ended,
        max(e.kind) filter (where e.kind in ${END_KINDS}) as last
      from event e where e.subject_id = r.id and e.kind like 'refill.%'
    ) n
    where ${among(scope.refillIds, 'r.id')}
      and (n.requested <> (r.answered_at is not null)::integer
        or n.ended <> (r.state not in ${OPEN})::integer or n.last <> 'refill.' || r.state)`
}

/**
 * Whether an operator said how the refill `alias` ends. Counted, as `exists` may be planned as a
 * scan of all events.
 */
function endedByOperator(alias: string): RawBuilder<boolean> {
  return sql`0 < (select count(*) from event e where e.subject_id = ${sql.ref(`${alias}.id`)}
    and e.kind = 'refill.' || ${sql.ref(`${alias}.state`)} and e.actor_kind = 'operator')`
}

const OPEN = sql`('pending', 'in_progress')`
const DELIVERED = sql`('completed', 'partial')`
const END_KINDS = sql`('refill.completed', 'refill.rejected', 'refill.error')`
