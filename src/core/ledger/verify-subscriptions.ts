import { type RawBuilder, sql } from 'kysely'
import { among, instant } from './verify-check.ts'
import type { VerifyScope } from './verify-scope.ts'

/**
 * The periods of a subscription tile up to where it expires, each of them is granted or paid for by
 * a line for that very period, and what is open is for the period that comes next.
 */
export function wrongPeriods(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${gaps(scope)} union all ${ends(scope)} union all ${unpaidPeriods(scope)}
    union all ${linesWithoutPeriod(scope)} union all ${misplacedLines(scope)}`
}

function gaps(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('subscription %s: a period from %s, after one to %s', r.subscription_id,
      ${instant('r.period_from')}, ${instant('r.ended')}) as breach
    from (
      select o.*, lag(o.period_to) over (partition by o.subscription_id order by o.period_from)
        as ended
      from subscription_period o where ${among(scope.subscriptionIds, 'o.subscription_id')}
    ) r
    where r.ended <> r.period_from`
}

function ends(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('subscription %s: expires at %s, its periods end at %s', s.id,
      ${instant('s.expires_at')}, coalesce(${instant('m.ended')}, 'none'))
    from subscription s
    left join (
      select o.subscription_id, max(o.period_to) as ended from subscription_period o
      where ${among(scope.subscriptionIds, 'o.subscription_id')} group by o.subscription_id
    ) m on m.subscription_id = s.id
    where ${among(scope.subscriptionIds, 's.id')} and m.ended is distinct from s.expires_at`
}

function unpaidPeriods(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('subscription %s: the period from %s is paid for by line %s, which %s',
      r.subscription_id, ${instant('r.period_from')}, r.purchase_line_id, case
        when l.id is null then 'does not exist'
        when p.state is distinct from 'paid' or l.is_cancelled then format(
          'is of purchase %s, which is %s', l.purchase_id, coalesce(p.state, 'missing'))
        else format('is for subscription %s from %s to %s', l.subscription_id,
          ${instant('l.period_from')}, ${instant('l.period_to')}) end)
    from subscription_period r
    left join purchase_line l on l.id = r.purchase_line_id
    left join purchase p on p.id = l.purchase_id
    where r.purchase_line_id is not null and ${among(scope.subscriptionIds, 'r.subscription_id')}
      and (l.id is null or l.is_cancelled or p.state is distinct from 'paid'
        or l.subscription_id <> r.subscription_id or l.account_id <> r.account_id
        or l.period_from <> r.period_from or l.period_to <> r.period_to
        or l.billing_cycle <> r.billing_cycle)`
}

function linesWithoutPeriod(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('line %s of purchase %s, paid: subscription %s has no period from %s for it',
      l.id, p.id, l.subscription_id, ${instant('l.period_from')})
    from purchase_line l
    join purchase p on p.id = l.purchase_id and p.state = 'paid'
    left join subscription_period r on r.subscription_id = l.subscription_id
      and r.period_from = l.period_from and r.purchase_line_id = l.id
    where r.subscription_id is null and ${among(scope.subscriptionIds, 'l.subscription_id')}`
}

function misplacedLines(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('line %s of purchase %s, %s: is from %s, subscription %s expires at %s', l.id,
      p.id, p.state, ${instant('l.period_from')}, s.id, ${instant('s.expires_at')})
    from purchase_line l
    join purchase p on p.id = l.purchase_id and p.state in ('awaiting_payment', 'processing')
    join subscription s on s.id = l.subscription_id
    where not l.is_cancelled and l.period_from <> s.expires_at
      and ${among(scope.subscriptionIds, 's.id')}`
}
