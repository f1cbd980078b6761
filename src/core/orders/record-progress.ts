import type { Operation, OperationContext } from '../operation.ts'
import { changeBy, type OrderReport, refundOnEntering } from './order.ts'
import {
  lockOrders,
  lockWalletsOf,
  type OrderWrite,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'

/** What the provider said of one order, and when to look at it again. */
export interface ProgressReport {
  readonly orderId: bigint
  /** Null: nothing was learnt. */
  readonly report: OrderReport | null
  /** What the provider calls it, where that was learnt. */
  readonly providerRef?: string
  /** Left alone where it is missing; of no account once the order has ended. */
  readonly lookAt?: Date
}

export interface RecordProgressInput {
  readonly reports: readonly ProgressReport[]
  /** The lease under which the provider was asked; it ends with this. */
  readonly lease: string | null
}

/**
 * Writes what a provider reports of a set of orders: progress, ends and what they give back.
 * Reports that are late, repeated or about an order that has ended change nothing.
 * Answers how many orders changed.
 */
export const recordProgress: Operation<RecordProgressInput, { changed: number }> = {
  name: 'order.record_progress',
  permission: 'system',
  async run(context, input) {
    const orders = await lockFor(context, input.reports)
    const writes: OrderWrite[] = []
    for (const report of input.reports) {
      const order = orders.get(report.orderId)
      if (order === undefined) continue
      const write = writeBy(order, report, input.lease)
      if (write !== undefined) writes.push(write)
    }
    await writeOrders(context, writes)
    return { changed: writes.filter((write) => write.change !== undefined).length }
  },
}

/** Few reports move money: only the wallets of those are locked, as others wait for a wallet. */
async function lockFor(
  { tx }: OperationContext,
  reports: readonly ProgressReport[],
): Promise<ReadonlyMap<bigint, StoredOrder>> {
  const ids = [...new Set(reports.map((report) => report.orderId))]
  if (ids.length !== reports.length) throw new Error('an order is reported on twice at once')
  const refunding = reports.filter(({ report }) => report !== null && mayRefund(report))
  await lockWalletsOf(tx, { ids: refunding.map((report) => report.orderId) })
  return await lockOrders(tx, { ids })
}

function mayRefund(report: OrderReport): boolean {
  return refundOnEntering(report.state, { quantity: 1n, charge: 1n, refunded: 0n }, 1n) > 0n
}

function writeBy(
  order: StoredOrder,
  { report, providerRef, lookAt }: ProgressReport,
  lease: string | null,
): OrderWrite | undefined {
  const change = report === null ? undefined : changeBy(order, report)
  const leased = lease !== null && order.leaseWorker === lease
  const named = providerRef !== undefined && order.providerRef === null
  if (change === undefined && !leased && !named) return undefined
  return {
    order,
    change,
    providerRef: named ? providerRef : undefined,
    // Whoever has taken the order over meanwhile says when it is looked at.
    lookAt: leased || lease === null ? lookAt : undefined,
    release: leased ? lease : undefined,
  }
}
