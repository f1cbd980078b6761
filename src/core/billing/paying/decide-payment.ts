import { currencyDecimals, scaleUp } from '../../../lib/money.ts'
import type { Wallets } from '../../lock-wallets.ts'
import { invalidField, Refusal } from '../../refusal.ts'
import type { ChargeableCard } from './card-charge-store.ts'
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
  /** Null: nobody has looked for them yet, and everybody may have one. */
  readonly cards: ReadonlyMap<bigint, ChargeableCard> | null
  /** What is left to pay from, by account. */
  readonly available: Map<bigint, bigint>
  /** Of that, what charges that are under way have counted on. */
  readonly countedOn: Map<bigint, bigint>
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
  /** Only what is to be paid by itself at this instant or before; null: whatever was asked. */
  readonly dueAt: Date | null
}

export type Decision =
  | { readonly kind: 'decided'; readonly results: readonly PayResult[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'reserve'; readonly purchases: readonly StoredPurchase[] }
  /** The wallet does not reach: the card is to be charged with the rest. */
  | {
      readonly kind: 'charge'
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
  const { accountId } = first
  if (purchases.some((purchase) => purchase.accountId !== accountId)) {
    throw invalidField('/purchase_ids', 'they belong to several accounts')
  }
  if (asking.dueAt !== null && purchases.some((purchase) => !isDue(purchase, asking.dueAt!))) {
    return decided(purchases, () => 'left_out')
  }
  const kinds = purchases.map((purchase) => standing(counter, purchase))
  if (kinds.some((kind) => kind !== 'payable')) {
    const final = kinds.some((kind) => kind !== 'payable' && kind !== 'settling')
    if (!final && asking.patient) return { kind: 'wait' }
    return decided(purchases, (at) => (kinds[at] === 'payable' ? 'left_out' : kinds[at]!))
  }
  return decideMoney(counter, asking, purchases)
}

function decideMoney(
  counter: Counter,
  { selection, charged: wasCharged }: Asking,
  purchases: readonly StoredPurchase[],
): Decision {
  const { accountId, currency } = purchases[0]!
  const grossMicros = purchases.reduce((sum, purchase) => sum + purchase.grossMicros, 0n)
  const sameCurrency = counter.wallets.get(accountId)?.currency === currency
  const mayUseCard =
    selection.mayUseCard ?? purchases.some(({ paymentMethod }) => paymentMethod === 'card')
  const byCard =
    sameCurrency && mayUseCard && !wasCharged && (counter.cards?.has(accountId) ?? true)
  const leftMicros = counter.available.get(accountId) ?? 0n
  const countedOnMicros = counter.countedOn.get(accountId) ?? 0n
  // What one charge has counted on no other does: else the card is charged, and it is too little.
  const freeMicros = byCard ? leftMicros - countedOnMicros : leftMicros
  if (grossMicros === 0n || (sameCurrency && grossMicros <= freeMicros)) {
    counter.available.set(accountId, leftMicros - grossMicros)
    for (const { id } of purchases) counter.taken.add(id)
    return { kind: 'reserve', purchases }
  }
  if (!byCard) return decided(purchases, () => 'insufficient_funds')
  const shortMicros = grossMicros - (freeMicros > 0n ? freeMicros : 0n)
  const amountMicros = wholeMinorUnits(shortMicros, currency)
  counter.countedOn.set(accountId, countedOnMicros + grossMicros - amountMicros)
  for (const { id } of purchases) counter.taken.add(id)
  return { kind: 'charge', purchases, amountMicros }
}

function isDue({ payAt }: StoredPurchase, at: Date): boolean {
  return payAt !== null && payAt <= at
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

function decided(
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
