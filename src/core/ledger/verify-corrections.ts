import { type RawBuilder, sql } from 'kysely'
import { among, instant, money } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * A correction is of a delivery of its account that has ended. It says of more than was known that
 * it was not delivered, when it ended or by the corrections before, and of no more than there was,
 * and comes to that share of the charge at most. Only the last of a delivery is open, and only what
 * was decided has the time of that.
 *
 * One that was confirmed gave back one refund, in the same commit and by the operator's hand, to
 * the order that paid, of the amount that its event tells; one that was dismissed gave back
 * nothing.
 * That the refund has its transfer, and all together are within the charge, is held for it as for
 * any other (`cause_has_its_transfer`, `refunds_within_charge`).
 */
export function wrongCorrections(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('correction %s of order %s is %s: %s', c.id, c.order_id, c.state, b.why) as breach
    ${FROM_CORRECTIONS}
    cross join lateral (
      select greatest(d.remains, c.remains_before) as known
    ) k
    cross join lateral (
      select div(w.charge::numeric * c.remains, w.quantity)
        - div(w.charge::numeric * k.known, w.quantity) as amount
    ) share
    cross join lateral (${GIVEN_BACK}) g
    cross join lateral (
      select case
        when w.id is null then 'there is no such order'
        when d.unfolds then 'that is delivered in parts'
        when d.state in ('pending', 'in_progress') then format('that is %s', d.state)
        when d.account_id <> c.account_id then 'that is of another account'
        when c.remains <= k.known or c.remains > d.quantity
          then format('remains %s of %s, %s known before', c.remains, d.quantity, k.known)
        when c.amount > share.amount then format('amount %s, its share is %s',
          ${money('c.amount')}, ${money('share.amount')})
        when c.state = 'open' and c.later then 'there is a later one'
        when (c.decided_at is null) <> (c.state = 'open')
          then format('decided at %s', coalesce(${instant('c.decided_at')}, 'no time'))
        when g.told <> (c.state = 'confirmed')::integer or g.made <> g.told
          then format('refunds told of with that %s, made %s', g.told, g.made)
        end as why
    ) b
    where ${lookedAt(scope)} and b.why is not null`
}

/** A correction is proposed, again whenever its provider says otherwise, and decided once. */
export function wrongCorrectionEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('correction %s of order %s is %s: events of proposing %s, of confirming %s, of'
      ' dismissing %s', c.id, c.order_id, c.state, n.proposed, n.confirmed, n.dismissed)
    ${FROM_CORRECTIONS}
    cross join lateral (
      select count(*) filter (where e.kind = 'order.correction_proposed') as proposed,
        count(*) filter (where e.kind = 'order.correction_confirmed') as confirmed,
        count(*) filter (where e.kind = 'order.correction_dismissed') as dismissed
      from event e
      where e.subject_id = w.id and e.kind like 'order.correction\\_%'
        and e.data->>'correction' = c.id::text
    ) n
    where ${lookedAt(scope)} and (n.proposed = 0
      or n.confirmed <> (c.state = 'confirmed')::integer
      or n.dismissed <> (c.state = 'dismissed')::integer)`
}

function lookedAt(scope: VerifyScope): RawBuilder<unknown> {
  return sql`(${among(scope.orderIds, 'c.order_id')} or ${among(scope.orderIds, 'w.id')})`
}

/** Corrections `c` with what came before and after, their delivery `d` and who paid for it, `w`. */
const FROM_CORRECTIONS = sql`
  from (
    select c.*, max(c.remains) over (
        partition by c.order_id order by c.id rows between unbounded preceding and 1 preceding
      ) as remains_before,
      lead(c.id) over (partition by c.order_id order by c.id) is not null as later
    from correction c
  ) c
  left join service_order d on d.id = c.order_id
  left join service_order w on w.id = coalesce(d.parent_id, d.id)`

/** The refunds that the commit of a decision on `c` told of, and those of them that were made. */
const GIVEN_BACK = sql`
  select count(*) as told, count(f.id) as made
  from event t
  join event e on e.restore_epoch = t.restore_epoch and e.tx_id = t.tx_id
    and e.subject_id = t.subject_id and e.kind = 'order.refunded'
  left join order_refund f on f.order_id = w.id and f.cause = 'operator'
    and f.id::text = e.data->>'refund' and f.amount::text = e.data->>'amount_micros'
  where t.subject_id = w.id and t.kind = 'order.correction_' || c.state
    and t.data->>'correction' = c.id::text`
