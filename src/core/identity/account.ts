import { isCurrency } from '../../lib/money.ts'
import { invalidField } from '../refusal.ts'

/**
 * A customer of the operator. One wallet, in one currency, which is fixed by the first transfer.
 * A suspended account keeps its money and its objects; its keys and sessions stop working.
 */
export interface Account {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly currency: string
  readonly timeZone: string
  readonly taxProfileId: string
  /** The group whose discount it gets; null: none. */
  readonly discountGroupId: string | null
  readonly state: AccountState
  readonly createdAt: string
  readonly updatedAt: string
}

export const ACCOUNT_STATES = ['active', 'suspended'] as const
export type AccountState = (typeof ACCOUNT_STATES)[number]

export const ACCOUNT_NAME_LENGTH_MAX = 200

/** An ISO 4217 code that money knows; else refused. */
export function checkCurrency(code: string, pointer = '/currency'): string {
  if (!isCurrency(code)) {
    throw invalidField(pointer, 'must be a currency of ISO 4217 in capitals, such as USD')
  }
  return code
}

/** An IANA time zone by its name; an offset such as +02:00 is none. Else refused. */
export function checkTimeZone(name: string, pointer = '/time_zone'): string {
  try {
    if (!/^[A-Za-z]/.test(name)) throw new RangeError(name)
    new Intl.DateTimeFormat('en', { timeZone: name })
    return name
  } catch {
    throw invalidField(pointer, 'must be an IANA time zone, such as Europe/Sofia')
  }
}
