import type { Actor } from '../actor.ts'
import type { Call, Funnel } from '../execute.ts'
import { settleNotices } from '../notices/raise-notice.ts'
import type { Effect, Operation, OperationContext } from '../operation.ts'
import { type AskedCancel, askToCancel } from './ask-to-cancel.ts'
import { cancelWholes } from './cancel-wholes.ts'
import type { DeliveryDrivers } from './delivery-driver.ts'
import { changeBy, isTerminal, type OrderReport } from './order.ts'
import { type OrderName, parseOrderName } from './order-name.ts'
import {
  leaseForCancel,
  lockOrders,
  lockWalletsOf,
  type OrderWrite,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'
import { readOpenParts } from './parts/part-rows.ts'
import { type AskingStep, reserveAskSettle } from './reserve-ask-settle.ts'
import { unconfirmedNotice } from './unconfirmed-notice.ts'

/** What canceling needs of the process. */
export interface Cancelling {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
}

export interface CancelInput {
  /** Names as the caller wrote them: numbers or `CR-…`, at most 100. */
  readonly orders: readonly string[]
}

/** What became of one name; `refused` is null where the order was canceled. */
export interface CancelResult {
  readonly asked: string
  readonly refused: null | 'order_not_found' | 'order_not_cancelable' | 'provider_error'
}

export interface CancelOutput {
  /** One for each name, in the order asked. */
  readonly results: readonly CancelResult[]
}

/** A provider that may not have heard us is asked how things stand after this. */
const LOOK_AFTER_MS = 1_000

/**
 * Cancels orders, each answered for itself. One that was never handed to its provider is canceled
 * at once and all refunded; else the provider is asked, outside any transaction, and what it did
 * not deliver is refunded. A lost answer leaves the order as it was, to be asked again; a worker
 * finds out what happened. Of an order in parts, those are canceled that have not ended, and no
 * others follow; where the provider lets one run to its end, so does the order, and the rest is
 * refunded then.
 *
 * A repeat under the same key waits for the first and gets its answer. Where nothing was canceled
 * nothing is stored, so that the next try is judged afresh.
 *
 * Refuses `insufficient_scope`, `invalid_input`, `too_many_ids`, `idempotency_key_invalid`,
 * `idempotency_key_reused`, `unavailable`; and `provider_error` where the provider failed us and
 * nothing was canceled.
 */
export async function cancelOrders(
  desk: Cancelling,
  call: Call<CancelInput>,
): Promise<Effect<CancelOutput>> {
  return await reserveAskSettle<CancelInput, CancelResult, CancelAsk>(desk.funnel, call, {
    reservation,
    settlement: async (lease, { orders }) =>
      settlement(lease, await askToCancel(desk.drivers, orders)),
  })
}

interface CancelAsk {
  readonly kind: 'ask'
  readonly orders: readonly StoredOrder[]
}

type Step = AskingStep<CancelResult, CancelAsk>
type CancelStep = Operation<CancelInput, Step>

const OPERATION = {
  name: 'order.cancel',
  permission: 'write:orders',
  // Parts may have been canceled of an order of which the provider has not said the rest.
  keeps: (step: Step) =>
    step.kind === 'settled' && step.results.some((result) => result.refused === null),
} as const

/** Settles at once where no provider has to be asked; else takes the orders for `lease`. */
function reservation(by: { lease: string; patient: boolean }): CancelStep {
  return {
    ...OPERATION,
    async run(context, { orders }) {
      const asked = await lockAsked(context, orders)
      const free = asked.open.filter((order) =>
        rowsOf(asked, order).every((row) => row.leaseLapsed),
      )
      // Nothing is taken while something is waited for: two who wait would wait for each other.
      if (free.length < asked.open.length && by.patient) return { kind: 'wait' }
      const deliveries = free.flatMap((order) => deliveriesOf(asked, order))
      if (deliveries.every(isUnknownToProvider)) {
        return await settle(context, asked, { free, writes: deliveries.map(canceledAtOnce) })
      }
      const taken = free.flatMap((order) => rowsOf(asked, order))
      await leaseForCancel(context, { ids: taken.map((row) => row.id), lease: by.lease })
      return { kind: 'ask', orders: deliveries.filter((order) => !isUnknownToProvider(order)) }
    },
  }
}

/** Writes what the providers answered, and lets go of the orders. */
function settlement(lease: string, answers: ReadonlyMap<bigint, AskedCancel>): CancelStep {
  return {
    ...OPERATION,
    async run(context, { orders }) {
      const asked = await lockAsked(context, orders)
      const writes: OrderWrite[] = []
      for (const delivery of asked.open.flatMap((order) => deliveriesOf(asked, order))) {
        const answered = answers.get(delivery.id)
        // What went elsewhere meanwhile is canceled by nobody's word but the other's.
        if (answered?.provider === delivery.provider) {
          writes.push({ ...writeFor(delivery, answered, context.now), release: lease })
        } else if (delivery.leaseWorker === lease && isUnknownToProvider(delivery)) {
          writes.push({ ...canceledAtOnce(delivery), release: lease })
        }
      }
      const free = asked.open.filter((order) => !order.unfolds || order.leaseWorker === lease)
      return await settle(context, asked, { free, writes, lease })
    },
  }
}

/** A worker sets the time before it hands an order over. */
function isUnknownToProvider(order: StoredOrder): boolean {
  return order.submitAskedAt === null && order.providerRef === null
}

function canceledAtOnce(order: StoredOrder): OrderWrite {
  return writeOf(order, { state: 'canceled', remains: null, startCount: null })
}

function writeFor(order: StoredOrder, answered: AskedCancel, now: Date): OrderWrite {
  const providerRef = answered.providerRef
  switch (answered.kind) {
    case 'canceled': {
      const remains = answered.remains
      const report = { state: 'canceled', remains, startCount: answered.startCount } as const
      return { ...writeOf(order, report), providerRef }
    }
    case 'refused':
      return { order, providerRef, cancelRequestedAt: null, lookAt: now }
    case 'unknown': {
      const lookAt = new Date(now.getTime() + LOOK_AFTER_MS)
      // One that nobody knows the whereabouts of waits for the operator, whoever asks.
      return { order, providerRef, lookAt: order.unconfirmedAt === null ? lookAt : undefined }
    }
  }
}

/** The caller hears of it, so there is no asking left that went unanswered. */
function writeOf(order: StoredOrder, report: OrderReport): OrderWrite {
  return { order, change: changeBy(order, report), cancelRequestedAt: null }
}

interface Asked {
  readonly names: readonly { readonly asked: string; readonly name: OrderName | undefined }[]
  readonly orders: ReadonlyMap<bigint, StoredOrder>
  /** Those that are the caller's and may still be canceled, each once. */
  readonly open: readonly StoredOrder[]
  /** The parts of orders in parts that have not ended, by the whole. */
  readonly parts: ReadonlyMap<bigint | null, readonly StoredOrder[]>
}

async function lockAsked(context: OperationContext, texts: readonly string[]): Promise<Asked> {
  const names = texts.map((asked) => ({ asked, name: parseOrderName(asked.trim()) }))
  const ids = [...new Set(names.flatMap(({ name }) => (name === undefined ? [] : [name.id])))]
  const orders = await lockWithParts(context, ids)
  const named = new Set(names.flatMap(({ name }) => find(orders, name) ?? []))
  const open = [...named].filter((order) => !isTerminal(order.state) && mayCancel(context, order))
  const parts = [...orders.values()].filter((order) => !isTerminal(order.state))
  return { names, orders, open, parts: Map.groupBy(parts, (part) => part.parentId) }
}

/**
 * All are locked in id order, parts among the others, as progress is written. Once a whole is
 * locked it gets no further parts; those that it got a moment before are locked after it.
 */
async function lockWithParts(
  { tx, actor }: OperationContext,
  ids: readonly bigint[],
): Promise<ReadonlyMap<bigint, StoredOrder>> {
  const accountId = accountOf(actor)
  await lockWalletsOf(tx, { ids, accountId })
  const before = await readOpenParts(tx, ids)
  const orders = await lockOrders(tx, { ids: [...new Set([...ids, ...before])], accountId })
  const wholes = [...orders.values()].filter((order) => order.unfolds)
  const parts = await readOpenParts(
    tx,
    wholes.map((whole) => whole.id),
  )
  const late = parts.filter((id) => !orders.has(id))
  return late.length === 0 ? orders : new Map([...orders, ...(await lockOrders(tx, { ids: late }))])
}

/** Operators stop what a customer may not. */
function mayCancel({ actor }: OperationContext, order: StoredOrder): boolean {
  return order.canCancel || actor.kind === 'operator'
}

/** What a provider delivers of an order. */
function deliveriesOf({ parts }: Asked, order: StoredOrder): readonly StoredOrder[] {
  return order.unfolds ? (parts.get(order.id) ?? []) : [order]
}

function rowsOf(asked: Asked, order: StoredOrder): readonly StoredOrder[] {
  return order.unfolds ? [order, ...deliveriesOf(asked, order)] : [order]
}

/** Operators may cancel for anybody. */
function accountOf(actor: Actor): bigint | undefined {
  return actor.kind === 'key' || actor.kind === 'user' ? actor.accountId : undefined
}

function find(
  orders: ReadonlyMap<bigint, StoredOrder>,
  name: OrderName | undefined,
): StoredOrder | undefined {
  const order = name === undefined ? undefined : orders.get(name.id)
  if (order === undefined || order.parentId !== null) return undefined
  return name?.fits(order.createdAt) ? order : undefined
}

async function settle(
  context: OperationContext,
  { names, orders, open }: Asked,
  done: {
    readonly free: readonly StoredOrder[]
    readonly writes: readonly OrderWrite[]
    readonly lease?: string
  },
): Promise<Step> {
  await writeOrders(context, done.writes)
  const confirmed = done.writes.filter(isConfirmed).map((write) => write.order.id)
  await settleNotices(context, unconfirmedNotice(confirmed))
  const byId = new Map(done.writes.map((write) => [write.order.id, write]))
  const wholes = await cancelWholes(context, {
    wholes: done.free.filter((order) => order.unfolds),
    writes: done.writes,
    lease: done.lease,
  })
  const results = names.map(({ asked, name }) => {
    const order = find(orders, name)
    if (order === undefined) return { asked, refused: 'order_not_found' as const }
    if (!open.includes(order)) return { asked, refused: refusedBefore(order) }
    const whole = wholes.get(order.id)
    return { asked, refused: whole === undefined ? refusedNow(byId.get(order.id)) : whole.refused }
  })
  return { kind: 'settled', results }
}

/** Whether it is known now of an unconfirmed order whether its provider has it. */
function isConfirmed({ order, change, providerRef }: OrderWrite): boolean {
  return order.unconfirmedAt !== null && (change !== undefined || providerRef !== undefined)
}

function refusedNow(write: OrderWrite | undefined): CancelResult['refused'] {
  if (write?.change?.state === 'canceled') return null
  return write?.cancelRequestedAt === null ? 'order_not_cancelable' : 'provider_error'
}

/** Where an earlier asking ended the order and its answer was lost, that answer is given now. */
function refusedBefore(order: StoredOrder): CancelResult['refused'] {
  return order.state === 'canceled' && order.cancelRequestedAt !== null
    ? null
    : 'order_not_cancelable'
}
