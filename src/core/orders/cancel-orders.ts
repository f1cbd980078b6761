import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Actor } from '../actor.ts'
import { type Call, execute, type Funnel } from '../execute.ts'
import type { Effect, Operation, OperationContext } from '../operation.ts'
import { invalidField, Refusal } from '../refusal.ts'
import { type AskedCancel, askToCancel } from './ask-to-cancel.ts'
import type { DeliveryDrivers } from './delivery-driver.ts'
import { changeBy, isTerminal, type OrderReport } from './order.ts'
import { type OrderName, parseOrderName } from './order-name.ts'
import { ORDER_IDS_MAX } from './order-reader.ts'
import {
  leaseForCancel,
  lockOrdersWithWallets,
  type OrderWrite,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'

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

/** How long an order that is just being talked about with its provider is waited for. */
const WAIT_MAX_MS = 10_000
const WAIT_STEP_MS = 20
const WAIT_STEP_MAX_MS = 250
/** A provider that may not have heard us is asked how things stand after this. */
const LOOK_AFTER_MS = 1_000

/**
 * Cancels orders, each answered for itself. One that was never handed to its provider is canceled
 * at once and all refunded; else the provider is asked, outside any transaction, and what it did
 * not deliver is refunded. A lost answer leaves the order as it was, to be asked again; a worker
 * finds out what happened.
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
  const { orders } = call.input
  if (orders.length === 0) throw invalidField('/orders', 'orders is required', 'missing_required')
  if (orders.length > ORDER_IDS_MAX) throw new Refusal('too_many_ids')
  const lease = randomUUID()
  const patientUntilMs = performance.now() + WAIT_MAX_MS
  for (let stepMs = WAIT_STEP_MS; ; stepMs = Math.min(stepMs * 1.5, WAIT_STEP_MAX_MS)) {
    const patient = performance.now() < patientUntilMs
    const { output, replayed } = await execute(desk.funnel, reservation({ lease, patient }), call)
    switch (output.kind) {
      case 'settled':
        return answer(output, replayed)
      case 'ask': {
        const answers = await askToCancel(desk.drivers, output.orders)
        const settled = await execute(desk.funnel, settlement(lease, answers), call)
        if (settled.output.kind !== 'settled') throw new Error('a settlement only settles')
        return answer(settled.output, settled.replayed)
      }
      case 'wait':
        await pause(stepMs)
    }
  }
}

function answer(
  { results }: Extract<Step, { kind: 'settled' }>,
  replayed: boolean,
): Effect<CancelOutput> {
  const failed = results.some((result) => result.refused === 'provider_error')
  if (failed && !results.some((result) => result.refused === null)) {
    throw new Refusal('provider_error')
  }
  return { output: { results }, replayed }
}

/**
 * Both halves of a cancel go through the funnel under one name, so that they share the key. Only
 * `settled` ever has an effect, so it is the only one that is stored under the key.
 */
type Step =
  | { readonly kind: 'settled'; readonly results: readonly CancelResult[] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'ask'; readonly orders: readonly StoredOrder[] }

type CancelStep = Operation<CancelInput, Step>

const OPERATION = { name: 'order.cancel', permission: 'write:orders' } as const

/** Settles at once where no provider has to be asked; else takes the orders for `lease`. */
function reservation(by: { lease: string; patient: boolean }): CancelStep {
  return {
    ...OPERATION,
    async run(context, { orders }) {
      const asked = await lockAsked(context, orders)
      const busy = asked.open.filter((order) => !order.leaseLapsed)
      // Nothing is taken while something is waited for: two who wait would wait for each other.
      if (busy.length > 0 && by.patient) return { kind: 'wait' }
      const free = asked.open.filter((order) => order.leaseLapsed)
      if (free.every(isUnknownToProvider)) {
        return await settle(context, asked, free.map(canceledAtOnce))
      }
      await leaseForCancel(context, { ids: free.map((order) => order.id), lease: by.lease })
      return { kind: 'ask', orders: free.filter((order) => !isUnknownToProvider(order)) }
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
      for (const order of asked.open) {
        const answered = answers.get(order.id)
        if (answered !== undefined) {
          writes.push({ ...writeFor(order, answered, context.now), release: lease })
        } else if (order.leaseWorker === lease && isUnknownToProvider(order)) {
          writes.push({ ...canceledAtOnce(order), release: lease })
        }
      }
      return await settle(context, asked, writes)
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
    case 'unknown':
      return { order, providerRef, lookAt: new Date(now.getTime() + LOOK_AFTER_MS) }
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
}

async function lockAsked(context: OperationContext, texts: readonly string[]): Promise<Asked> {
  const names = texts.map((asked) => ({ asked, name: parseOrderName(asked.trim()) }))
  const ids = new Set(names.flatMap(({ name }) => (name === undefined ? [] : [name.id])))
  const orders = await lockOrdersWithWallets(context.tx, {
    ids: [...ids],
    accountId: accountOf(context.actor),
  })
  const named = new Set(names.flatMap(({ name }) => find(orders, name) ?? []))
  const open = [...named].filter((order) => !isTerminal(order.state) && order.canCancel)
  return { names, orders, open }
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
  return order !== undefined && name?.fits(order.createdAt) ? order : undefined
}

async function settle(
  context: OperationContext,
  { names, orders, open }: Asked,
  writes: readonly OrderWrite[],
): Promise<Step> {
  await writeOrders(context, writes)
  const byId = new Map(writes.map((write) => [write.order.id, write]))
  const results = names.map(({ asked, name }) => {
    const order = find(orders, name)
    if (order === undefined) return { asked, refused: 'order_not_found' as const }
    const refused = open.includes(order) ? refusedNow(byId.get(order.id)) : refusedBefore(order)
    return { asked, refused }
  })
  return { kind: 'settled', results }
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
