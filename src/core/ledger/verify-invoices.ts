import { type RawBuilder, sql } from 'kysely'
import type { VerifyScope } from './verify-scope.ts'

/** What the first original is numbered. */
const FIRST_NUMBER = 1_000_000_001

/**
 * Numbers of originals go from the first to the last that the series has given, each once. An
 * original that has one before it, up to the first, leaves no gap: so each is asked for its own.
 */
export function wrongNumbers(scope: VerifyScope): RawBuilder<unknown> {
  return sql`
    select format('invoice %s is number %s: there is no number %s', i.id, i.number, i.number - 1)
      as breach
    from invoice i
    where i.number > ${FIRST_NUMBER} and ${scope.changed('i')}
      and not exists (select from invoice b where b.number = i.number - 1)
    union all
    select format('invoice %s is number %s: the first is ${sql.lit(FIRST_NUMBER)}', i.id, i.number)
    from invoice i
    where i.number < ${FIRST_NUMBER} and ${scope.changed('i')}
    union all
    select format('invoices %s and %s are both number %s', b.id, i.id, i.number)
    from invoice i
    join invoice b on b.number = i.number and b.id < i.id
    where ${scope.changed('i')} or ${scope.changed('b')}
    union all
    select format('the series has given %s, the last original is number %s', s.last_number,
      coalesce(m.last, ${FIRST_NUMBER - 1}))
    from invoice_series s
    cross join (select max(number) as last from invoice) m
    where s.last_number <> coalesce(m.last, ${FIRST_NUMBER - 1})
    union all
    select 'there is no series of invoices' where not exists (select from invoice_series)`
}
