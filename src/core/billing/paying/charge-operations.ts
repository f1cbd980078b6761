import { randomUUID } from 'node:crypto'
import { keyText } from '../../execute-batch.ts'
import { freeKeys } from '../../forget-effects.ts'
import { lockWallet } from '../../ledger/wallets.ts'
import type { Operation } from '../../operation.ts'
import {
  claimCharges,
  declinePending,
  letGoOfChargeRow,
  type PendingCharge,
} from './card-charge-store.ts'
import { lockPurchases, markPaying } from './payment-store.ts'

/** The gateway has declined for good: nothing was taken, and the key is free. */
export const declineCharge: Operation<PendingCharge, null> = {
  name: 'card_charge.decline',
  permission: 'write:billing',
  async run({ tx, now, record }, { id, accountId, purchaseIds }) {
    await lockWallet(tx, accountId)
    const purchases = await lockPurchases(tx, { ids: purchaseIds, accountIds: [accountId] })
    if (!(await declinePending(tx, { id, now }))) return null
    record({ kind: 'card_charge.declined', subjectId: id, accountId })
    const keys = new Map(
      [...purchases.values()].flatMap(({ state, payingKey }) =>
        state === 'awaiting_payment' && payingKey !== null
          ? [[keyText(payingKey), payingKey] as const]
          : [],
      ),
    )
    await markPaying(tx, { ids: purchaseIds, payingKey: null })
    await freeKeys(tx, [...keys.values()])
    return null
  },
}

/** The gateway has not said: whoever is next asks again, under the same number. */
export const letGoOfCharge: Operation<{ id: bigint; lease: string }, null> = {
  name: 'card_charge.let_go',
  permission: 'write:billing',
  async run({ tx, now }, { id, lease }) {
    await letGoOfChargeRow(tx, { id, lease, now })
    return null
  },
}

export interface ClaimedCharges {
  readonly charges: readonly PendingCharge[]
  readonly lease: string
}

/** Takes charges whose process has died, or has let go of them. */
export const claimPendingCharges: Operation<{ limit: number }, ClaimedCharges> = {
  name: 'card_charge.claim',
  permission: 'system',
  async run({ tx, now }, { limit }) {
    const lease = randomUUID()
    return { charges: await claimCharges(tx, { lease, now, limit }), lease }
  },
}
