import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Tx } from '../../../db/database.ts'
import type { Json } from '../../../db/schema.ts'
import { AMOUNT_MAX } from '../../../lib/money.ts'
import { accountOf } from '../../actor.ts'
import type { BatchAnswer, BatchContext, BatchedCall, BatchOperation } from '../../execute-batch.ts'
import { placeHolds } from '../../ledger/holds.ts'
import type { Wallet } from '../../lock-wallets.ts'
import { Refusal } from '../../refusal.ts'
import { bookCharges } from './book-charges.ts'
import { findCards, insertCharge, type PendingCharge } from './card-charge-store.ts'
import { type Counter, type Decision, decidePayment } from './decide-payment.ts'
import type { PayResult, PaySelection } from './payment.ts'
import {
  accountsOfPurchases,
  findCharging,
  lockPurchases,
  markPaying,
  type OngoingCharge,
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
  /** Whether only what is due to be paid by itself is. */
  readonly onlyDue?: boolean
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
    const { counter, decisions } = await decideAll(context, {
      calls,
      booked,
      standing: await readStanding(context.tx, { purchases, wallets }),
    })
    const lease = randomUUID()
    const reserved = await setAside(context, { calls, decisions, lease })
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
      } else if (decision.kind === 'charge') {
        const charge = await beginCharge(context, { call, decision, counter, lease })
        answers.push({ output: { kind: 'charge', charge, lease }, kept: kept(call, charge.id) })
      } else if (call.input.charged !== undefined && booked.has(call.input.charged.id)) {
        answers.push({ output: await keepCredit(context, call) })
      } else answers.push({ output: decision })
    }
    return answers
  },
}

function decideCall(
  counter: Counter,
  { actor, input: { selection, patient, charged, onlyDue = false } }: Call,
  o: { readonly booked: ReadonlySet<bigint>; readonly now: Date },
): Decision | Refusal {
  // Whoever has booked this charge has gone on with it.
  if (charged !== undefined && !o.booked.has(charged.id)) return { kind: 'wait' }
  try {
    return decidePayment(counter, {
      selection,
      accountId: accountOf(actor),
      patient,
      charged: charged !== undefined,
      dueAt: onlyDue ? o.now : null,
    })
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

/** What is decided on: as it was before this batch. */
interface Standing extends Pick<Counter, 'purchases' | 'lines' | 'wallets'> {
  readonly charging: readonly OngoingCharge[]
}

async function readStanding(tx: Tx, o: Pick<Standing, 'purchases' | 'wallets'>): Promise<Standing> {
  const open = [...o.purchases.values()].filter(({ state }) => state === 'awaiting_payment')
  if (open.length === 0) return { ...o, lines: new Map(), charging: [] }
  const ids = open.map(({ id }) => id)
  const charging = await findCharging(tx, [...o.wallets.keys()])
  return { ...o, lines: await readPayableLines(tx, ids), charging }
}

/** Cards are only looked for where somebody may need one; then all is decided anew. */
async function decideAll(
  { tx, now }: BatchContext,
  o: {
    readonly calls: readonly Call[]
    readonly booked: ReadonlySet<bigint>
    readonly standing: Standing
  },
): Promise<{ counter: Counter; decisions: (Decision | Refusal)[] }> {
  const { calls, booked, standing } = o
  const decideWith = (cards: Counter['cards']) => {
    const counter = openCounter(standing, cards)
    return { counter, decisions: calls.map((call) => decideCall(counter, call, { booked, now })) }
  }
  const decided = decideWith(null)
  const needsCard = decided.decisions.some(
    (decision) => !(decision instanceof Refusal) && decision.kind === 'charge',
  )
  return needsCard ? decideWith(await findCards(tx, [...standing.wallets.keys()])) : decided
}

function openCounter(standing: Standing, cards: Counter['cards']): Counter {
  const { charging, wallets } = standing
  const countedOn = new Map<bigint, bigint>()
  for (const { accountId, countsOnMicros } of charging) {
    countedOn.set(accountId, (countedOn.get(accountId) ?? 0n) + countsOnMicros)
  }
  return {
    ...standing,
    cards,
    available: new Map([...wallets].map(([id, wallet]) => [id, availableOf(wallet)])),
    countedOn,
    taken: new Set(charging.flatMap(({ purchaseIds }) => purchaseIds)),
  }
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

async function beginCharge(
  { tx, now }: BatchContext,
  o: {
    readonly call: Call
    readonly decision: Extract<Decision, { kind: 'charge' }>
    readonly counter: Counter
    readonly lease: string
  },
): Promise<PendingCharge> {
  const { purchases, amountMicros } = o.decision
  const { accountId, currency } = purchases[0]!
  const card = o.counter.cards?.get(accountId)
  assert.ok(card, 'a charge is decided on where there is a card')
  const purchaseIds = purchases.map(({ id }) => id)
  const draft = { card, purchaseIds, amountMicros, currency }
  const charge = await insertCharge(tx, { draft, lease: o.lease, now })
  await markPaying(tx, { ids: purchaseIds, payingKey: o.call.key })
  o.call.record({
    kind: 'card_charge.started',
    subjectId: charge.id,
    accountId,
    data: { purchase: String(purchaseIds[0]) },
  })
  return charge
}

/** The card was charged, and what it was for cannot be paid any more. */
async function keepCredit({ tx }: BatchContext, { input }: Call): Promise<Reservation> {
  const { purchaseIds } = input.selection
  await markPaying(tx, { ids: purchaseIds, payingKey: null })
  const outcome = { kind: 'credit_kept' } as const
  return { kind: 'decided', results: purchaseIds.map((purchaseId) => ({ purchaseId, outcome })) }
}
