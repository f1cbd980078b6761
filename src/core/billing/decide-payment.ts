import { currencyDecimals, scaleUp } from '../../lib/money.ts'
import type { Wallets } from '../lock-wallets.ts'
import { invalidField, Refusal } from '../refusal.ts'
import type { PayOutcome, PayResult, PaySelection } from './payment.ts'
import type { PayableLine, StoredPurchase } from './payment-store.ts'

/**
 * What can be paid is decided on locked rows, one asking after the other: each sees what those
 * before it have taken. Pure; it only counts down the wallets and marks what is taken.
 */
export interface Counter {
  readonly purchases: ReadonlyMap<bigint, StoredPurchase>
  readonly lines: ReadonlyMap<bigint, readonly PayableLine[]>
  readonly wallets: Wallets
  /** What is left to pay from, by account. */
  readonly available: Map<bigint, bigint>
  /** Purchases that wait for a card, or that somebody before has taken. */
  readonly taken: Set<bigint>
}

export interface Asking {
  readonly selection: PaySelection
  /** Whose purchases they have to be; null: anybody's. */
  readonly accountId: bigint | null
  /** Whether what somebody else is paying is waited for. */
  readonly patient: boolean
  /** Whether the card was charged for it before, and is not again. */
  readonly charged: boolean
}

export type Decision =
  | { readonly kind: 'decided'; readonly results: readonly PayResult[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'reserve'; readonly purchases: readonly StoredPurchase[] }
  /** The wallet does not reach, and a card may be charged with the rest, where there is one. */
  | {
      readonly kind: 'short'
      readonly purchases: readonly StoredPurchase[]
      readonly amountMicros: bigint
    }

/** All of the selection or none. Refuses `not_found`, and `invalid_input` of several accounts. */
export function decidePayment(counter: Counter, asking: Asking): Decision {
  const purchases = asking.selection.purchaseIds.map((id) => {
    const purchase = counter.purchases.get(id)
    const own = asking.accountId === null || purchase?.accountId === asking.accountId
    if (purchase === undefined || !own) throw new Refusal('not_found')
    return purchase
  })
  const [first] = purchases
  if (first === undefined) throw invalidField('/purchase_ids', 'purchase_ids is required')
  const { accountId, currency } = first
  if (purchases.some((purchase) => purchase.accountId !== accountId)) {
    throw invalidField('/purchase_ids', 'they belong to several accounts')
  }
  const kinds = purchases.map((purchase) => standing(counter, purchase))
  if (kinds.some((kind) => kind !== 'payable')) {
    const final = kinds.some((kind) => kind !== 'payable' && kind !== 'settling')
    if (!final && asking.patient) return { kind: 'wait' }
    return decided(purchases, (at) => (kinds[at] === 'payable' ? 'left_out' : kinds[at]!))
  }
  const grossMicros = purchases.reduce((sum, purchase) => sum + purchase.grossMicros, 0n)
  const sameCurrency = counter.wallets.get(accountId)?.currency === currency
  const leftMicros = counter.available.get(accountId) ?? 0n
  if (grossMicros === 0n || (sameCurrency && grossMicros <= leftMicros)) {
    counter.available.set(accountId, leftMicros - grossMicros)
    for (const { id } of purchases) counter.taken.add(id)
    return { kind: 'reserve', purchases }
  }
  const mayUseCard =
    asking.selection.mayUseCard ?? purchases.some(({ paymentMethod }) => paymentMethod === 'card')
  if (!sameCurrency || !mayUseCard || asking.charged) {
    return decided(purchases, () => 'insufficient_funds')
  }
  const shortMicros = grossMicros - (leftMicros > 0n ? leftMicros : 0n)
  return { kind: 'short', purchases, amountMicros: wholeMinorUnits(shortMicros, currency) }
}

/** The outcome that a purchase has without anybody doing anything, or that it can be paid. */
function standing(
  { lines, taken }: Counter,
  { id, state }: StoredPurchase,
): 'payable' | Exclude<PayOutcome['kind'], 'paid'> {
  if (state === 'paid') return 'already_paid'
  if (state === 'cancelled') return 'cancelled'
  if (state === 'processing' || taken.has(id)) return 'settling'
  return (lines.get(id) ?? []).every(isRenewable) ? 'payable' : 'not_renewable'
}

/** Periods tile: the line's has to begin where the subscription's last one ends. */
function isRenewable(line: PayableLine): boolean {
  return (
    line.subscriptionState === 'active' &&
    line.serverState !== 'terminated' &&
    line.suspendedFor !== 'abuse' &&
    line.periodFrom.getTime() === line.expiresAt.getTime()
  )
}

export function decided(
  purchases: readonly StoredPurchase[],
  kindOf: (at: number) => PayOutcome['kind'],
): Extract<Decision, { kind: 'decided' }> {
  return {
    kind: 'decided',
    results: purchases.map(({ id }, at) => ({ purchaseId: id, outcome: { kind: kindOf(at) } })),
  }
}

/** Cards are charged in whole minor units: rounded up, the rest is in the wallet. */
function wholeMinorUnits(amountMicros: bigint, currency: string): bigint {
  const unit = 10n ** BigInt(6 - currencyDecimals(currency))
  return scaleUp(amountMicros, 1n, unit) * unit
}
