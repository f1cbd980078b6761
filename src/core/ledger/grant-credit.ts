import { AMOUNT_MAX } from '../../lib/money.ts'
import type { Operation } from '../operation.ts'
import { invalidField } from '../refusal.ts'
import { checkLine } from '../text-field.ts'
import { insertCredit } from './credit-store.ts'
import { postTransfers } from './post-transfers.ts'
import { systemAccount } from './system-account.ts'
import { lockWallet } from './wallets.ts'

export interface GrantCreditInput {
  readonly accountId: string
  /** Millionths, with a minus for a correction; any number of them, not only whole cents. */
  readonly amountMicros: string
  /** For people: kept with the credit, in no event. */
  readonly reason: string
}

export interface Credit {
  readonly id: string
  readonly accountId: string
  readonly amountMicros: string
  readonly currency: string
  /** What the wallet holds after it. */
  readonly balanceMicros: string
  readonly createdAt: string
}

const REASON_LENGTH_MAX = 500
const WHOLE_NUMBER = /^\d{1,18}$/
const SIGNED_NUMBER = /^-?\d{1,19}$/

/**
 * An operator gives an account money, or takes back what was given by mistake: a negative amount
 * corrects, down to the wallet's floor and no further. Refuses `not_found`, `invalid_input` and
 * `insufficient_funds`.
 */
export const grantCredit: Operation<GrantCreditInput, Credit> = {
  name: 'credit.grant',
  permission: 'operator',
  async run({ tx, now, record }, input) {
    const reason = checkLine(input.reason, { pointer: '/reason', lengthMax: REASON_LENGTH_MAX })
    const amountMicros = readAmount(input.amountMicros)
    const accountId = WHOLE_NUMBER.test(input.accountId) ? BigInt(input.accountId) : 0n
    const wallet = await lockWallet(tx, accountId)
    const balanceMicros = wallet.balanceMicros + amountMicros
    if (balanceMicros > AMOUNT_MAX) {
      throw invalidField('/amount', 'the wallet cannot hold that much')
    }
    const { currency } = wallet
    const grantedId = await systemAccount(tx, 'credit_granted', currency)
    const id = await insertCredit(tx, { accountId, amountMicros, currency, reason, now })
    const gives = amountMicros > 0n
    await postTransfers(tx, [
      {
        debitId: gives ? grantedId : wallet.id,
        creditId: gives ? wallet.id : grantedId,
        amountMicros: gives ? amountMicros : -amountMicros,
        currency,
        causeKind: 'credit',
        causeId: id,
        accountId,
        createdAt: now,
      },
    ])
    record({
      kind: gives ? 'credit.granted' : 'credit.taken_back',
      subjectId: id,
      accountId,
      data: { amount_micros: String(amountMicros) },
    })
    return {
      id: String(id),
      accountId: String(accountId),
      amountMicros: String(amountMicros),
      currency,
      balanceMicros: String(balanceMicros),
      createdAt: now.toISOString(),
    }
  },
}

function readAmount(text: string): bigint {
  const amountMicros = SIGNED_NUMBER.test(text) ? BigInt(text) : 0n
  const size = amountMicros < 0n ? -amountMicros : amountMicros
  if (size === 0n || size > AMOUNT_MAX) {
    throw invalidField('/amount', 'must be an amount other than 0')
  }
  return amountMicros
}
