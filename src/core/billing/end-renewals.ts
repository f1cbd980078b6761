import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { lockOpenPurchases, readStandingLines, voidPurchase } from './purchase-store.ts'
import { findServerSubscriptions, readRenewables } from './renewable-views.ts'
import { checkAwaitingPayment } from './reprice-purchase.ts'
import { endSubscriptions, lockSubscriptions } from './subscription-store.ts'

/**
 * Renews a server no more, within the operation that ends it: its open renewal is voided, and its
 * subscriptions end. Refuses `resource_locked` while the renewal is being paid, and
 * `existing_invoice_blocking` where it is one with other servers'.
 */
export async function endRenewals(
  { tx, now, record }: Pick<OperationContext, 'tx' | 'now' | 'record'>,
  serverId: bigint,
): Promise<void> {
  const open = await lockOpenPurchases(tx, { serverIds: [serverId] })
  const subscriptionIds = await findServerSubscriptions(tx, {
    accountId: null,
    serverIds: [serverId],
  })
  await lockSubscriptions(tx, subscriptionIds)
  const [subscriptionId = 0n] = subscriptionIds
  const [renewable] = await readRenewables(tx, [{ subscriptionId, billingCycle: null }])
  const openId = renewable?.openPurchaseId ?? null
  // It was made out after the open ones had been looked for.
  if (openId !== null && !open.has(openId)) {
    throw new Refusal('resource_locked', { retryAfterSeconds: 1 })
  }
  for (const purchase of open.values()) {
    const { id, accountId, state } = purchase
    if (state === 'paid' || state === 'cancelled') continue
    checkAwaitingPayment(purchase)
    const lines = await readStandingLines(tx, { purchaseIds: [id] })
    const servers = lines.filter((line) => line.kind === 'server')
    if (servers.some((line) => line.subscriptionId !== subscriptionId)) {
      const detail = `Order ${id} renews it together with others: cancel that first.`
      throw new Refusal('existing_invoice_blocking', { detail })
    }
    await voidPurchase(tx, { now, purchaseId: id })
    record({ kind: 'purchase.cancelled', subjectId: id, accountId })
  }
  for (const { id, accountId } of await endSubscriptions(tx, { now, serverId })) {
    record({ kind: 'subscription.ended', subjectId: id, accountId })
  }
}
