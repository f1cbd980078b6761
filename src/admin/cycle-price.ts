import { Type } from 'typebox'
import type { CyclePrice, NewCyclePrice } from '../core/catalogue/cycle-price.ts'
import { CYCLE_MAX } from '../core/catalogue/cycle-price.ts'
import { Amount, strictObject } from '../http/rest/shapes.ts'
import { currencyDecimals, formatAmount } from '../lib/money.ts'

export const Cycle = Type.Integer({ minimum: 1, maximum: CYCLE_MAX, description: 'Months' })

/** What a plan or an addon costs, as it is shown. */
export const CyclePriceShape = Type.Object({
  currency: Type.String({ examples: ['USD'] }),
  billing_cycle: Cycle,
  amount: Amount,
})

/** All prices, as they are sent. */
export const NewCyclePrices = Type.Array(
  strictObject({
    currency: Type.String(),
    billing_cycle: Cycle,
    amount: Type.String({ description: 'For the whole cycle', examples: ['5.00'] }),
  }),
  { maxItems: 1000, description: 'All of them: what is left out is not sold' },
)

type SentPrice = { currency: string; billing_cycle: number; amount: string }

export function readCyclePrices(prices: readonly SentPrice[]): NewCyclePrice[] {
  return prices.map(({ currency, billing_cycle, amount }) => ({
    currency,
    billingCycle: billing_cycle,
    amount,
  }))
}

export function showCyclePrices(prices: readonly CyclePrice[]) {
  return prices.map(({ currency, billingCycle, amountMicros }) => ({
    currency,
    billing_cycle: billingCycle,
    amount: formatAmount(BigInt(amountMicros), currencyDecimals(currency)),
  }))
}
