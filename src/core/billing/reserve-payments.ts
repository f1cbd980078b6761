import { randomUUID } from 'node:crypto'
import type { Tx } from '../../db/database.ts'
import type { Json } from '../../db/schema.ts'
import { AMOUNT_MAX } from '../../lib/money.ts'
import { accountOf } from '../actor.ts'
import type { BatchAnswer, BatchContext, BatchedCall, BatchOperation } from '../execute-batch.ts'
import { placeHolds } from '../ledger/holds.ts'
import type { Wallet, Wallets } from '../lock-wallets.ts'
import { Refusal } from '../refusal.ts'
import { bookCharges } from './book-charges.ts'
import {
  type ChargeableCard,
  findCards,
  insertCharge,
  type PendingCharge,
} from './card-charge-store.ts'
import { type Counter, type Decision, decided, decidePayment } from './decide-payment.ts'
import type { PayResult, PaySelection } from './payment.ts'
import {
  accountsOfPurchases,
  findCharging,
  lockPurchases,
  markPaying,
  type PayableLine,
  readPayableLines,
  type StoredPurchase,
  startProcessing,
} from './payment-store.ts'

/**
 * The first half of paying: the money is set aside, and the purchases are one process's own. Many
 * callers are served in one transaction, in the order in which they came.
 */
export interface ReserveInput {
  readonly selection: PaySelection
  /** What a repeat under the key has to be the same in; undefined: the selection. */
  readonly asked?: unknown
  /** Whether purchases that somebody else is paying are waited for. */
  readonly patient: boolean
  /** The card was charged with what the wallet was short of: booked first, in the same commit. */
  readonly charged?: PendingCharge
}

export type Reservation =
  /** Nothing was set aside. */
  | { readonly kind: 'decided'; readonly results: readonly PayResult[] }
  /** Somebody else is paying some of them. Nothing was taken. */
  | { readonly kind: 'wait' }
  /** The wallet is short: the card is to be charged first. */
  | { readonly kind: 'charge'; readonly charge: PendingCharge; readonly lease: string }
  | { readonly kind: 'reserved'; readonly purchases: readonly ReservedPurchase[] }
  /** What a key has kept of an earlier reservation or charge under it. */
  | { readonly kind: 'kept'; readonly purchases: readonly string[]; readonly charge?: string }

/** A purchase whose money is set aside, and whose provider is to be asked. */
export interface ReservedPurchase {
  readonly purchase: StoredPurchase
  readonly lines: readonly PayableLine[]
  readonly lease: string
}

type Call = BatchedCall<ReserveInput>

/**
 * Decides each selection: set aside, short, or not payable. Refuses `not_found` and
 * `invalid_input`. Under a key only what sets money aside or begins a charge is kept.
 */
export const reservePayments: BatchOperation<ReserveInput, Reservation> = {
  name: 'purchase.pay',
  permission: 'write:billing',
  sameness: ({ selection, asked }) => asked ?? selection,
  async accountsOf(db, calls) {
    // Of its own account a caller's are found, or none.
    const others = calls.filter(({ actor }) => accountOf(actor) === null)
    return await accountsOfPurchases(
      db,
      others.flatMap(({ input }) => input.selection.purchaseIds),
    )
  },
  async run(context, calls) {
    const ids = new Set(calls.flatMap(({ input }) => input.selection.purchaseIds))
    const accountIds = [...context.wallets.keys()]
    const purchases = await lockPurchases(context.tx, { ids: [...ids], accountIds })
    const { booked, wallets } = await bookCharges(context, calls)
    const counter = await openCounter(context.tx, { purchases, wallets })
    const decisions = calls.map((call) => decideCall(counter, call, booked))
    const lease = randomUUID()
    const reserved = await setAside(context, { calls, decisions, lease })
    const cards = await findCardsFor(context.tx, decisions)
    const answers: BatchAnswer<Reservation>[] = []
    for (const [at, call] of calls.entries()) {
      const decision = decisions[at]!
      if (decision instanceof Refusal) answers.push(decision)
      else if (decision.kind === 'reserve') {
        const taken = decision.purchases.map(({ id }) => ({
          purchase: reserved.get(id)!,
          lines: counter.lines.get(id) ?? [],
          lease,
        }))
        answers.push({ output: { kind: 'reserved', purchases: taken }, kept: kept(call) })
      } else if (decision.kind === 'short') {
        answers.push(await charge(context, { call, decision, counter, cards, lease }))
      } else if (call.input.charged !== undefined && booked.has(call.input.charged.id)) {
        answers.push({ output: await keepCredit(context, call) })
      } else answers.push({ output: decision })
    }
    return answers
  },
}

function decideCall(
  counter: Counter,
  { actor, input: { selection, patient, charged } }: Call,
  booked: ReadonlySet<bigint>,
): Decision | Refusal {
  // Whoever has booked this charge has gone on with it.
  if (charged !== undefined && !booked.has(charged.id)) return { kind: 'wait' }
  const accountId = accountOf(actor)
  try {
    return decidePayment(counter, { selection, accountId, patient, charged: charged !== undefined })
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

/** Enough for a repeat to find out what has become of it. */
function kept({ input: { selection } }: Call, chargeId?: bigint): Json {
  const purchases = selection.purchaseIds.map(String)
  return { kind: 'kept', purchases, ...(chargeId && { charge: String(chargeId) }) }
}

async function openCounter(
  tx: Tx,
  o: { purchases: ReadonlyMap<bigint, StoredPurchase>; wallets: Wallets },
): Promise<Counter> {
  const open = [...o.purchases.values()].filter(({ state }) => state === 'awaiting_payment')
  const lines =
    open.length === 0
      ? new Map<bigint, PayableLine[]>()
      : await readPayableLines(
          tx,
          open.map(({ id }) => id),
        )
  const taken = open.length === 0 ? [] : await findCharging(tx, [...o.wallets.keys()])
  const available = [...o.wallets].map(([id, wallet]) => [id, availableOf(wallet)] as const)
  return { ...o, lines, available: new Map(available), taken: new Set(taken) }
}

function availableOf({ balanceMicros, floorMicros }: Wallet): bigint {
  return floorMicros === null ? AMOUNT_MAX : balanceMicros - floorMicros
}

/** Places all holds and takes all purchases that were decided to be paid, in a few statements. */
async function setAside(
  context: BatchContext,
  o: {
    readonly calls: readonly Call[]
    readonly decisions: readonly (Decision | Refusal)[]
    readonly lease: string
  },
): Promise<ReadonlyMap<bigint, StoredPurchase>> {
  const taken = o.calls.flatMap((call, at) => {
    const decision = o.decisions[at]!
    if (decision instanceof Refusal || decision.kind !== 'reserve') return []
    return decision.purchases.map((purchase) => ({ call, purchase }))
  })
  if (taken.length === 0) return new Map()
  const priced = taken.filter(({ purchase }) => purchase.grossMicros > 0n)
  const ids = await placeHolds(
    context,
    priced.map(({ purchase: { id, accountId, grossMicros } }) => ({
      accountId,
      amountMicros: grossMicros,
      subject: { kind: 'purchase', id },
    })),
  )
  const holds = new Map(priced.map(({ purchase }, at) => [purchase.id, ids[at]!]))
  const reserved = taken.map(({ call, purchase }): StoredPurchase => {
    const holdId = holds.get(purchase.id) ?? null
    const payingKey = call.input.charged === undefined ? call.key : purchase.payingKey
    return { ...purchase, state: 'processing', holdId, payingKey, leaseWorker: o.lease }
  })
  await startProcessing(context.tx, { started: reserved, lease: o.lease, now: context.now })
  for (const { call, purchase } of taken) {
    call.record({
      kind: 'purchase.processing',
      subjectId: purchase.id,
      accountId: purchase.accountId,
    })
  }
  return new Map(reserved.map((purchase) => [purchase.id, purchase]))
}

async function findCardsFor(
  tx: Tx,
  decisions: readonly (Decision | Refusal)[],
): Promise<ReadonlyMap<bigint, ChargeableCard>> {
  const accountIds = decisions.flatMap((decision) =>
    decision instanceof Refusal || decision.kind !== 'short'
      ? []
      : [decision.purchases[0]!.accountId],
  )
  return accountIds.length === 0 ? new Map() : await findCards(tx, accountIds)
}

/** Begins to charge the account's card with what is short, where it has one. */
async function charge(
  { tx, now }: BatchContext,
  o: {
    readonly call: Call
    readonly decision: Extract<Decision, { kind: 'short' }>
    readonly counter: Counter
    readonly cards: ReadonlyMap<bigint, ChargeableCard>
    readonly lease: string
  },
): Promise<BatchAnswer<Reservation>> {
  const { call, counter } = o
  const { purchases, amountMicros } = o.decision
  const { accountId, currency } = purchases[0]!
  const card = o.cards.get(accountId)
  if (card === undefined) return { output: decided(purchases, () => 'insufficient_funds') }
  // Another of this batch has begun to pay one of them.
  if (purchases.some(({ id }) => counter.taken.has(id))) return { output: { kind: 'wait' } }
  const purchaseIds = purchases.map(({ id }) => id)
  for (const id of purchaseIds) counter.taken.add(id)
  const draft = { card, purchaseIds, amountMicros, currency }
  const pending = await insertCharge(tx, { draft, lease: o.lease, now })
  await markPaying(tx, { ids: purchaseIds, payingKey: call.key })
  call.record({
    kind: 'card_charge.started',
    subjectId: pending.id,
    accountId,
    data: { purchase: String(purchaseIds[0]) },
  })
  const output = { kind: 'charge', charge: pending, lease: o.lease } as const
  return { output, kept: kept(call, pending.id) }
}

/** The card was charged, and what it was for cannot be paid any more. */
async function keepCredit({ tx }: BatchContext, { input }: Call): Promise<Reservation> {
  const { purchaseIds } = input.selection
  await markPaying(tx, { ids: purchaseIds, payingKey: null })
  const outcome = { kind: 'credit_kept' } as const
  return { kind: 'decided', results: purchaseIds.map((purchaseId) => ({ purchaseId, outcome })) }
}
