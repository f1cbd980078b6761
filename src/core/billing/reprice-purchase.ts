import { localMidnight } from '../../lib/periods.ts'
import type { OperationContext } from '../operation.ts'
import { Refusal } from '../refusal.ts'
import { type PromoTerms, promoApplies, readAcceptedPromo } from './promo-terms.ts'
import { readStandingLines, replaceLines, type StoredPurchase } from './purchase-store.ts'
import { type RenewableServer, readRenewables } from './renewable-views.ts'
import { renewalTerms } from './renewal-lines.ts'
import { lockSubscriptions } from './subscription-store.ts'

/**
 * What is to be another than it was; what is left out stays as it is. A promo code falls away
 * where it is not for what the servers are renewed for now.
 */
export interface PurchaseChange {
  /** Months: of all servers, or of one by its subscription. */
  readonly billingCycle?: number | ReadonlyMap<bigint, number>
  readonly promo?: PromoTerms | null
  /** The subscriptions of the addons that stay. */
  readonly addonIds?: readonly bigint[]
}

/**
 * Prices a locked purchase anew, in place, where the change makes it another; whether it did.
 * Refuses `resource_locked` while it is being paid, `invalid_state` once it is paid or voided, and
 * as `renewalTerms`.
 */
export async function repricePurchase(
  context: OperationContext,
  purchase: StoredPurchase,
  change: PurchaseChange,
): Promise<boolean> {
  const { tx, now } = context
  const { id, accountId, autoPay, dueAt } = purchase
  const lines = await readStandingLines(tx, { purchaseIds: [id] })
  const servers = lines.filter((line) => line.kind === 'server')
  const addonIds = lines.flatMap((line) => (line.kind === 'server' ? [] : line.subscriptionId))
  const cycleOf = (line: { subscriptionId: bigint; billingCycle: number }) =>
    typeof change.billingCycle === 'number'
      ? change.billingCycle
      : (change.billingCycle?.get(line.subscriptionId) ?? line.billingCycle)
  const isAnother =
    servers.some((line) => cycleOf(line) !== line.billingCycle) ||
    (change.promo !== undefined && (change.promo?.id ?? null) !== purchase.promoCodeId) ||
    (change.addonIds !== undefined && !isSameSet(change.addonIds, addonIds))
  if (!isAnother) return false
  checkAwaitingPayment(purchase)
  await lockSubscriptions(
    tx,
    servers.map((line) => line.subscriptionId),
  )
  const renewables = await readRenewables(
    tx,
    servers.map((line) => ({
      subscriptionId: line.subscriptionId,
      billingCycle: cycleOf(line),
    })),
  )
  const terms = renewalTerms(renewables, {
    promo:
      change.promo === undefined ? await stayingPromo(context, purchase, renewables) : change.promo,
    addonIds: change.addonIds ?? addonIds,
  })
  const payAt = autoPay || terms.grossMicros === 0n ? (purchase.payAt ?? dueAt) : null
  const issuedOn = localMidnight(now, renewables[0]!.accountTimeZone)
  await replaceLines(tx, {
    now,
    id,
    draft: { ...terms, accountId, autoPay, dueAt, payAt, issuedOn },
  })
  context.record({ kind: 'purchase.changed', subjectId: id, accountId })
  return true
}

/** Refuses `resource_locked` while a purchase is being paid, `invalid_state` once it has ended. */
export function checkAwaitingPayment({ state }: StoredPurchase): void {
  if (state === 'processing') throw new Refusal('resource_locked')
  if (state === 'awaiting_payment') return
  const word = state === 'paid' ? 'paid' : 'cancelled'
  throw new Refusal('invalid_state', { detail: `This order is ${word}.` })
}

function isSameSet(some: readonly bigint[], others: readonly bigint[]): boolean {
  const set = new Set(some)
  return set.size === others.length && others.every((one) => set.has(one))
}

/** The code that was accepted before; null where none of the lines is for it any more. */
async function stayingPromo(
  { tx }: OperationContext,
  { promoCodeId }: StoredPurchase,
  servers: readonly RenewableServer[],
): Promise<PromoTerms | null> {
  if (promoCodeId === null) return null
  const promo = await readAcceptedPromo(tx, promoCodeId)
  return servers.some((server) => promoApplies(promo, server)) ? promo : null
}
