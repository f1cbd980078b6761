import type { Tx } from '../../db/database.ts'
import { MICROS_PER_UNIT, parseAmount } from '../../lib/money.ts'
import { checkCurrency } from '../identity/account.ts'
import { systemAccount } from '../ledger/system-account.ts'
import { invalidField } from '../refusal.ts'

/**
 * What a plan or an addon costs in one currency for one cycle. It is sold in the currencies and
 * for the cycles that it has a price for, and in no other way: nothing is converted or divided.
 */
export interface CyclePrice {
  readonly currency: string
  /** Months. */
  readonly billingCycle: number
  /** Micros for the whole cycle, as text. */
  readonly amountMicros: string
}

export interface NewCyclePrice {
  readonly currency: string
  readonly billingCycle: number
  /** A decimal with up to six decimals; 0 costs nothing. */
  readonly amount: string
}

/** A price as it is written. */
export interface CyclePriceRow {
  readonly currency: string
  readonly billingCycle: number
  readonly amountMicros: bigint
}

export const CYCLE_MAX = 24

/** A thousand million: sums of very many lines with tax stay far from what can be booked. */
const PRICE_MAX_MICROS = 1_000_000_000n * MICROS_PER_UNIT

/** The prices as they are to be written. Refuses `invalid_input`, naming the one that is wrong. */
export function checkCyclePrices(prices: readonly NewCyclePrice[]): CyclePriceRow[] {
  const seen = new Set<string>()
  return prices.map(({ currency, billingCycle, amount }, index) => {
    const pointer = `/prices/${index}`
    checkCurrency(currency, `${pointer}/currency`)
    checkCycle(billingCycle, `${pointer}/billing_cycle`)
    if (seen.has(`${currency} ${billingCycle}`)) throw invalidField(pointer, 'is given twice')
    seen.add(`${currency} ${billingCycle}`)
    const amountMicros = parseAmount(amount)
    if (amountMicros === undefined || amountMicros > PRICE_MAX_MICROS) {
      const most = PRICE_MAX_MICROS / MICROS_PER_UNIT
      throw invalidField(`${pointer}/amount`, `must be a decimal such as "5.00", up to ${most}`)
    }
    return { currency, billingCycle, amountMicros }
  })
}

/** A number of months that something can be sold for; else refused. */
export function checkCycle(months: number, pointer: string): number {
  if (!Number.isInteger(months) || months < 1 || months > CYCLE_MAX) {
    throw invalidField(pointer, `must be a whole number of months from 1 to ${CYCLE_MAX}`)
  }
  return months
}

/** Makes what paying in these currencies books to, so that no payment has to. */
export async function openSystemAccounts(tx: Tx, prices: readonly CyclePriceRow[]): Promise<void> {
  for (const currency of new Set(prices.map((price) => price.currency))) {
    await systemAccount(tx, 'revenue', currency)
    await systemAccount(tx, 'tax', currency)
  }
}

const KEY_SHAPE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const KEY_LENGTH_MAX = 64

/** What programs name a plan or an addon by: `cloud-vps-2gb`; else refused. */
export function checkProgramName(key: string, pointer: string): string {
  if (key.length > KEY_LENGTH_MAX || !KEY_SHAPE.test(key)) {
    const shape = `lower-case words and numbers with hyphens, up to ${KEY_LENGTH_MAX} characters`
    throw invalidField(pointer, `must be ${shape}`)
  }
  return key
}
