import { type RawBuilder, sql } from 'kysely'

/** SQL for what ledger accounts gave and received: (id, debits, credits), two rows each. */
export function movedInSpan(o: { afterId: bigint; upToId: bigint | null }): RawBuilder<unknown> {
  const span = sql`id > ${o.afterId} and (${o.upToId}::bigint is null or id <= ${o.upToId})`
  return sql`
    select debit_id as id, sum(amount) as debits, 0::numeric as credits
    from transfer where ${span} group by debit_id
    union all
    select credit_id, 0::numeric, sum(amount)
    from transfer where ${span} group by credit_id`
}

/**
 * The same from the first transfer on. With `afterId`, the number up to which the last checkpoint
 * has counted, only the transfers beyond it are read.
 */
export function movedByAccount(afterId: bigint | null): RawBuilder<unknown> {
  const moved = movedInSpan({ afterId: afterId ?? 0n, upToId: null })
  if (afterId === null) return moved
  return sql`
    select ledger_account_id as id, debits, credits from ledger_checkpoint_balance
    union all ${moved}`
}

/**
 * SQL for the debits and the credits of each currency: a transfer counts as a debit in the
 * currency of the ledger account that gives and as a credit in that of the one that receives. So
 * the two differ where a transfer names an account that does not exist, or two of different
 * currencies; from the transfer's own amount and currency they never could.
 */
export function totalsByCurrency(afterId: bigint | null): RawBuilder<CurrencyTotals> {
  return sql`
    select a.currency, sum(m.debits) as debits, sum(m.credits) as credits
    from (${movedByAccount(afterId)}) m
    join ledger_account a on a.id = m.id
    group by a.currency`
}

/** Whole micros as text: a sum of bigints is a numeric. */
export interface CurrencyTotals {
  readonly currency: string
  readonly debits: string
  readonly credits: string
}
