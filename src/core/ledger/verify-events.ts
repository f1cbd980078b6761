import { type RawBuilder, sql } from 'kysely'
import { among } from './verify-check.ts'
import { wrongCorrectionEvents } from './verify-corrections.ts'
import { wrongOrderEvents } from './verify-orders.ts'
import { wrongRefillEvents } from './verify-refills.ts'
import type { VerifyScope } from './verify-scope.ts'

/** Each change of state has its event, and each event its change. */
export function wrongEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${wrongOrderEvents(scope)} union all ${wrongCreditEvents(scope)}
    union all ${wrongPurchaseEvents(scope)} union all ${wrongSubscriptionEvents(scope)}
    union all ${wrongChargeEvents(scope)} union all ${wrongRefillEvents(scope)}
    union all ${wrongCorrectionEvents(scope)}`
}

/** A credit is granted or taken back once. */
function wrongCreditEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('credit %s: %s events', c.id, n.count)
    from credit c
    cross join lateral (
      select count(*) from event e
      where e.subject_id = c.id and e.kind in ('credit.granted', 'credit.taken_back')
    ) n
    where ${scope.changed('c')} and n.count <> 1`
}

/**
 * A purchase is created once. Each time it was processing it was then paid or reversed, or it is
 * processing; it is paid, or voided, at most once and for good.
 */
function wrongPurchaseEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('purchase %s is %s: events of creating %s, of processing %s, of paying %s, of'
      ' reversing %s, of cancelling %s', coalesce(p.id, s.subject_id),
      coalesce(p.state, 'missing'), coalesce(s.created, 0), coalesce(s.processing, 0),
      coalesce(s.paid, 0), coalesce(s.reversed, 0), coalesce(s.cancelled, 0))
    from (select * from purchase p where ${among(scope.purchaseIds, 'p.id')}) p
    full join (
      select e.subject_id,
        count(*) filter (where e.kind = 'purchase.created') as created,
        count(*) filter (where e.kind = 'purchase.processing') as processing,
        count(*) filter (where e.kind = 'purchase.paid') as paid,
        count(*) filter (where e.kind = 'purchase.reversed') as reversed,
        count(*) filter (where e.kind = 'purchase.cancelled') as cancelled
      from event e
      where e.kind like 'purchase.%' and ${among(scope.purchaseIds, 'e.subject_id')}
      group by e.subject_id
    ) s on s.subject_id = p.id
    where p.id is null or s.created is distinct from 1
      or s.paid <> (p.state = 'paid')::integer or s.cancelled <> (p.state = 'cancelled')::integer
      or s.processing <> s.paid + s.reversed + (p.state = 'processing')::integer`
}

/** A subscription is opened once, and renewed once for each period that was paid for. */
function wrongSubscriptionEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('subscription %s%s: events of opening %s, of renewing %s, periods paid for %s',
      coalesce(u.id, s.subject_id), case when u.id is null then ' is missing' end,
      coalesce(s.opened, 0), coalesce(s.renewed, 0), coalesce(n.paid, 0))
    from (select * from subscription u where ${among(scope.subscriptionIds, 'u.id')}) u
    full join (
      select e.subject_id,
        count(*) filter (where e.kind = 'subscription.opened') as opened,
        count(*) filter (where e.kind = 'subscription.renewed') as renewed
      from event e
      where e.kind like 'subscription.%' and ${among(scope.subscriptionIds, 'e.subject_id')}
      group by e.subject_id
    ) s on s.subject_id = u.id
    left join (
      select r.subscription_id, count(*) as paid from subscription_period r
      where r.purchase_line_id is not null and ${among(scope.subscriptionIds, 'r.subscription_id')}
      group by r.subscription_id
    ) n on n.subscription_id = u.id
    where u.id is null or s.opened is distinct from 1 or s.renewed <> coalesce(n.paid, 0)`
}

/** A charge of a card is started once, and ends once, as it says. */
function wrongChargeEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('card_charge %s is %s: events of starting %s, of success %s, of decline %s', g.id,
      g.state, n.started, n.succeeded, n.declined)
    from card_charge g
    cross join lateral (
      select count(*) filter (where e.kind = 'card_charge.started') as started,
        count(*) filter (where e.kind = 'card_charge.succeeded') as succeeded,
        count(*) filter (where e.kind = 'card_charge.declined') as declined
      from event e
      where e.subject_id = g.id and e.kind like 'card_charge.%'
    ) n
    where ${scope.changed('g')} and (n.started <> 1
      or n.succeeded <> (g.state = 'succeeded')::integer
      or n.declined <> (g.state = 'declined')::integer)`
}
