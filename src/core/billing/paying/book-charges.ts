import type { BatchContext, BatchedCall } from '../../execute-batch.ts'
import { postToLocked } from '../../ledger/post-transfers.ts'
import { systemAccount } from '../../ledger/system-account.ts'
import { lockWallets, type Wallets } from '../../lock-wallets.ts'
import { type PendingCharge, succeedCharges } from './card-charge-store.ts'

/**
 * Puts what cards were charged into the wallets, once for each charge. Returns the charges that
 * were booked now, the others somebody else has booked before; and the wallets as they are then.
 */
export async function bookCharges(
  { tx, now, wallets }: BatchContext,
  calls: readonly BatchedCall<{ readonly charged?: PendingCharge }>[],
): Promise<{ readonly booked: ReadonlySet<bigint>; readonly wallets: Wallets }> {
  const charged = calls.flatMap((call) => {
    const { charged: charge } = call.input
    return charge === undefined ? [] : [{ call, charge }]
  })
  if (charged.length === 0) return { booked: new Set(), wallets }
  const booked = await succeedCharges(tx, { ids: charged.map(({ charge }) => charge.id), now })
  const fresh = charged.filter(({ charge }) => booked.has(charge.id))
  const clearing = new Map<string, bigint>()
  for (const { charge } of fresh) {
    const { currency } = charge
    if (!clearing.has(currency)) {
      clearing.set(currency, await systemAccount(tx, 'clearing', currency))
    }
  }
  await postToLocked(
    tx,
    fresh.map(({ charge: { id, accountId, amountMicros, currency } }) => ({
      debitId: clearing.get(currency)!,
      creditId: wallets.get(accountId)!.id,
      amountMicros,
      currency,
      causeKind: 'card_charge',
      causeId: id,
      accountId,
      createdAt: now,
    })),
  )
  for (const { call, charge } of fresh) {
    call.record({
      kind: 'card_charge.succeeded',
      subjectId: charge.id,
      accountId: charge.accountId,
    })
  }
  return { booked, wallets: await lockWallets(tx, [...wallets.keys()]) }
}
