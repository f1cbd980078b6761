import { type RawBuilder, sql } from 'kysely'
import { wrongOrderEvents } from './verify-orders.ts'
import type { VerifyScope } from './verify-scope.ts'

/** Each change of state has its event, and each event its change. */
export function wrongEvents(scope: VerifyScope): RawBuilder<unknown> {
  return sql`${wrongOrderEvents(scope)} union all ${wrongCreditEvents(scope)}`
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
