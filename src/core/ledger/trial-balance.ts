import { sql } from 'kysely'
import type { Db } from '../../db/database.ts'
import { formatAmount } from '../../lib/money.ts'
import { type CurrencyTotals, totalsByCurrency } from './ledger-totals.ts'

/** Amounts as exact decimals of the currency's unit, as `100.84292`. */
export interface TrialBalance {
  readonly ok: boolean
  readonly currencies: readonly {
    readonly currency: string
    readonly debits: string
    readonly credits: string
    readonly difference: string
  }[]
}

/** What was debited and credited in each currency, from every transfer, as of one moment. */
export async function readTrialBalance(db: Db): Promise<TrialBalance> {
  const { rows } = await sql<CurrencyTotals>`
    select * from (${totalsByCurrency(null)}) totals order by currency`.execute(db)
  return toTrialBalance(rows)
}

/** It is ok where no currency's debits differ from its credits. */
export function toTrialBalance(totals: readonly CurrencyTotals[]): TrialBalance {
  const lines = totals.map(({ currency, debits, credits }) => ({
    currency,
    debits: BigInt(debits),
    credits: BigInt(credits),
  }))
  return {
    ok: lines.every((line) => line.debits === line.credits),
    currencies: lines.map(({ currency, debits, credits }) => ({
      currency,
      debits: formatAmount(debits, DECIMALS_MIN),
      credits: formatAmount(credits, DECIMALS_MIN),
      difference: formatAmount(debits - credits, DECIMALS_MIN),
    })),
  }
}

const DECIMALS_MIN = 2
