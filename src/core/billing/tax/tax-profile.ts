import { invalidField } from '../../refusal.ts'
import { checkLine } from '../../text-field.ts'

/** How an account's purchases are taxed. Those made out already keep their rate. */
export interface TaxProfile extends TaxProfileTerms {
  readonly id: string
  readonly createdAt: string
}

export interface TaxProfileTerms {
  readonly name: string
  /** Millionths of the net amount: 20 % is 200000. */
  readonly ratePpm: number
  /** Whether prices are what these customers pay, tax within; else tax is added. */
  readonly pricesIncludeTax: boolean
}

const NAME_LENGTH_MAX = 200
const RATE_MAX_PPM = 1_000_000

/** The terms as they are kept. Refuses `invalid_input`, naming the field that is wrong. */
export function checkTaxProfile<Terms extends TaxProfileTerms>(terms: Terms): Terms {
  const { ratePpm } = terms
  if (!Number.isInteger(ratePpm) || ratePpm < 0 || ratePpm > RATE_MAX_PPM) {
    throw invalidField('/rate_percent', 'must be from 0 to 100, with up to four decimals')
  }
  return { ...terms, name: checkLine(terms.name, { pointer: '/name', lengthMax: NAME_LENGTH_MAX }) }
}
