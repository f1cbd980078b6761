/**
 * What a line comes to: net, tax and gross in whole minor units of the currency, rounded half away
 * from zero. One of net and gross is rounded from the price, the other made from it, so that
 * net + tax = gross to the last unit in each line, and so in each sum of lines.
 */
import { currencyDecimals } from './money.ts'

const PPM = 1_000_000n
const MICRO_DECIMALS = 6

/** How an account's purchases are taxed. */
export interface TaxTerms {
  /** Millionths of the net amount: 20 % is 200000. */
  readonly ratePpm: number
  /** Whether prices are what is paid, tax within; else tax is added. */
  readonly pricesIncludeTax: boolean
}

export interface Price {
  readonly netMicros: bigint
  readonly grossMicros: bigint
}

export interface TaxedAmounts extends Price {
  /** Before a discount. */
  readonly listNetMicros: bigint
  readonly listGrossMicros: bigint
}

/**
 * A line of `quantity` at `priceMicros`, less `discountPpm` (0 to 1000000 millionths). The discount
 * is taken off the price before tax is reckoned.
 */
export function taxedAmounts(o: {
  priceMicros: bigint
  quantity: number
  discountPpm: number
  currency: string
  tax: TaxTerms
}): TaxedAmounts {
  const unit = 10n ** BigInt(MICRO_DECIMALS - currencyDecimals(o.currency))
  const list = o.priceMicros * BigInt(o.quantity)
  const discounted = roundedRatio(list * (PPM - BigInt(o.discountPpm)), PPM * unit) * unit
  const before = withTax(roundedRatio(list, unit) * unit, unit, o.tax)
  const after = withTax(discounted, unit, o.tax)
  return {
    listNetMicros: before.net,
    listGrossMicros: before.gross,
    netMicros: after.net,
    grossMicros: after.gross,
  }
}

function withTax(micros: bigint, unit: bigint, tax: TaxTerms): { net: bigint; gross: bigint } {
  const rate = BigInt(tax.ratePpm)
  if (tax.pricesIncludeTax) {
    return { net: roundedRatio(micros * PPM, (PPM + rate) * unit) * unit, gross: micros }
  }
  return { net: micros, gross: micros + roundedRatio(micros * rate, PPM * unit) * unit }
}

/** a / b (b > 0, a not negative), a half rounded up: away from zero. */
function roundedRatio(a: bigint, b: bigint): bigint {
  return (2n * a + b) / (2n * b)
}
