import type { NoticeDraft } from '../notices/notice.ts'
import { raiseNotices, settleNotices } from '../notices/raise-notice.ts'
import type { Operation, OperationContext } from '../operation.ts'
import { changeBy, isTerminal, type OrderReport, refundOnEntering } from './order.ts'
import {
  findTakenRefs,
  lockOrders,
  lockWalletsOf,
  type OrderWrite,
  orderEvent,
  refKey,
  type StoredOrder,
  writeOrders,
} from './order-store.ts'
import { readEndedWholes } from './parts/part-rows.ts'
import { orderSubject, UNCONFIRMED_NOTICE, unconfirmedNotice } from './unconfirmed-notice.ts'

/** What becomes of an order that its provider has not taken. */
export type Dispatch =
  /** `certain`: its provider has not got it. */
  | { readonly kind: 'waits'; readonly certain: boolean }
  /** Its provider has not got it; `refused`: and never will. */
  | { readonly kind: 'rerouted'; readonly to: string; readonly refused: boolean }
  | { readonly kind: 'unconfirmed'; readonly reason: UnconfirmedReason }

/** Why nobody knows whether a provider has an order. */
type UnconfirmedReason = 'answer_lost' | 'number_taken'

/** What the provider said of one order, and when to look at it again. */
export interface ProgressReport {
  readonly orderId: bigint
  /** Null: nothing was learnt. */
  readonly report: OrderReport | null
  /** Who was asked to take it. */
  readonly provider?: string
  /** What the provider calls it, where that was learnt. */
  readonly providerRef?: string
  readonly dispatch?: Dispatch
  /** When to look at it once more if this completes it. */
  readonly recheckAt?: Date
  /** Left alone where it is missing; of no account once the order has ended. */
  readonly lookAt?: Date
}

export interface RecordProgressInput {
  readonly reports: readonly ProgressReport[]
  /** The lease under which the provider was asked; it ends with this. */
  readonly lease: string | null
}

/** It was given up, or canceled, and then its provider said that it had taken it. */
const TAKEN_LATE_NOTICE = 'order.taken_late'
/** It was handed over again, or to another, and then the first said that it had taken it. */
const TAKEN_TWICE_NOTICE = 'order.taken_twice'
/** Unconfirmed orders are not looked at by themselves. */
const NEVER_MS = 3650 * 24 * 60 * 60_000

/**
 * Writes what a provider reports of a set of orders: that it has taken them or not, progress,
 * ends and what they give back. Reports that are late, repeated or about an order that has ended
 * change nothing. A number that is another order's already names nothing: the order is
 * unconfirmed. Answers how many orders changed.
 */
export const recordProgress: Operation<RecordProgressInput, { changed: number }> = {
  name: 'order.record_progress',
  permission: 'system',
  async run(context, input) {
    const orders = await lockFor(context, input.reports)
    const wanted = await withoutUnwantedParts(context, input.reports, orders)
    const reports = await withoutTakenRefs(context, wanted, orders)
    const told: Told[] = []
    for (const report of reports) {
      const order = orders.get(report.orderId)
      const write = order && writeBy(context, { order, report, lease: input.lease })
      if (write !== undefined) told.push({ write, report })
    }
    const writes = told.map(({ write }) => write)
    await tell(context, told)
    await tellOfDoubles(context, reports, orders)
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

/** Providers have given a number out twice: then nobody knows whose delivery it is. */
async function withoutTakenRefs(
  { tx }: OperationContext,
  reports: readonly ProgressReport[],
  orders: ReadonlyMap<bigint, StoredOrder>,
): Promise<readonly ProgressReport[]> {
  const named = reports.flatMap(({ orderId, provider, providerRef }) => {
    const order = orders.get(orderId)
    const isNew = providerRef !== undefined && order?.providerRef === null
    return isNew && !isElsewhere(order, provider)
      ? [{ id: orderId, provider: order.provider, providerRef }]
      : []
  })
  if (named.length === 0) return reports
  const taken = new Set(await findTakenRefs(tx, named))
  const doubtful = new Set<bigint>()
  for (const name of named) {
    const key = refKey(name)
    if (taken.has(key)) doubtful.add(name.id)
    taken.add(key)
  }
  return reports.map((report) => {
    if (!doubtful.has(report.orderId)) return report
    const dispatch = { kind: 'unconfirmed', reason: 'number_taken' } as const
    return { orderId: report.orderId, report: null, dispatch }
  })
}

/**
 * A part of an order that has ended goes to no provider any more: one that its provider has not got
 * after all is canceled instead of being handed over again.
 */
async function withoutUnwantedParts(
  { tx }: OperationContext,
  reports: readonly ProgressReport[],
  orders: ReadonlyMap<bigint, StoredOrder>,
): Promise<readonly ProgressReport[]> {
  const wholeOf = ({ orderId, dispatch }: ProgressReport) =>
    isNowhere(dispatch) ? (orders.get(orderId)?.parentId ?? []) : []
  const ended = await readEndedWholes(tx, [...new Set(reports.flatMap(wholeOf))])
  if (ended.size === 0) return reports
  const canceled = { state: 'canceled', remains: null, startCount: null } as const
  return reports.map((report) => {
    const wholeId = wholeOf(report)
    if (typeof wholeId !== 'bigint' || !ended.has(wholeId)) return report
    const { orderId, provider } = report
    return { orderId, report: canceled, ...(provider === undefined ? {} : { provider }) }
  })
}

/** Whether no provider has it: it is about to be handed over, again or to another. */
function isNowhere(dispatch: Dispatch | undefined): boolean {
  return dispatch?.kind === 'rerouted' || (dispatch?.kind === 'waits' && dispatch.certain)
}

/** Whether it was handed to another since `provider` was asked. */
function isElsewhere(order: StoredOrder, provider: string | undefined): boolean {
  return provider !== undefined && provider !== order.provider
}

function writeBy(
  { now }: OperationContext,
  o: { order: StoredOrder; report: ProgressReport; lease: string | null },
): OrderWrite | undefined {
  const { order, report, lease } = o
  if (isElsewhere(order, report.provider)) return undefined
  const leased = lease !== null && order.leaseWorker === lease
  // Somebody else may have handed it over since: only that it was taken still counts.
  const counts = lease === null || leased || report.providerRef !== undefined
  const said = counts ? report.report : null
  const change = said === null ? undefined : changeBy(order, said)
  const named = report.providerRef !== undefined && order.providerRef === null
  if (change === undefined && !leased && !named) return undefined
  const untaken = order.providerRef === null && !isTerminal(order.state)
  return {
    order,
    change,
    providerRef: named ? report.providerRef : undefined,
    // Whoever has taken the order over meanwhile says when it is looked at.
    lookAt: leased || lease === null ? report.lookAt : undefined,
    release: leased ? lease : undefined,
    recheckAt: change?.state === 'completed' ? report.recheckAt : undefined,
    ...(leased && untaken ? dispatched(order, report.dispatch, now) : undefined),
  }
}

function dispatched(
  order: StoredOrder,
  dispatch: Dispatch | undefined,
  now: Date,
): Partial<OrderWrite> {
  const waitingSince = order.waitingSince ?? now
  const { provider, submitAskedAt } = order
  switch (dispatch?.kind) {
    case undefined:
      return {}
    case 'waits': {
      const askedAt = dispatch.certain ? null : submitAskedAt
      const standing = { provider, submitAskedAt: askedAt, unconfirmedAt: null, waitingSince }
      return { standing }
    }
    case 'rerouted': {
      const standing = {
        provider: dispatch.to,
        submitAskedAt: null,
        unconfirmedAt: null,
        waitingSince: dispatch.refused ? order.waitingSince : waitingSince,
      }
      return { standing, refusedBy: dispatch.refused ? provider : undefined }
    }
    case 'unconfirmed': {
      const standing = { provider, submitAskedAt, unconfirmedAt: now, waitingSince }
      return { standing, lookAt: new Date(now.getTime() + NEVER_MS) }
    }
  }
}

interface Told {
  readonly write: OrderWrite
  readonly report: ProgressReport
}

/** Events and notices of what is no state of an order. */
async function tell(context: OperationContext, told: readonly Told[]): Promise<void> {
  const notices: NoticeDraft[] = []
  const confirmed: bigint[] = []
  for (const { write, report } of told) {
    const { order, standing, providerRef } = write
    const { provider } = order
    if (standing !== undefined && standing.provider !== provider) {
      context.record(orderEvent(order, 'rerouted', { from: provider, to: standing.provider }))
    }
    if (standing !== undefined && report.dispatch?.kind === 'unconfirmed') {
      const data = { provider, reason: report.dispatch.reason }
      context.record(orderEvent(order, 'unconfirmed', data))
      notices.push(noticeOf(order, UNCONFIRMED_NOTICE, data))
    }
    if (providerRef === undefined) continue
    if (order.unconfirmedAt !== null) confirmed.push(order.id)
    if (!isTerminal(order.state)) continue
    const data = { provider, provider_ref: providerRef, state: order.state }
    notices.push(noticeOf(order, TAKEN_LATE_NOTICE, data))
  }
  await raiseNotices(context, notices)
  await settleNotices(context, unconfirmedNotice(confirmed))
}

/** Deliveries beside the one that is followed: somebody has to stop one of the two. */
async function tellOfDoubles(
  context: OperationContext,
  reports: readonly ProgressReport[],
  orders: ReadonlyMap<bigint, StoredOrder>,
): Promise<void> {
  const notices: NoticeDraft[] = []
  for (const { orderId, provider, providerRef } of reports) {
    const order = orders.get(orderId)
    if (order === undefined || providerRef === undefined) continue
    const another = order.providerRef !== null && order.providerRef !== providerRef
    if (!another && !isElsewhere(order, provider)) continue
    const data = { provider: provider ?? order.provider, provider_ref: providerRef }
    notices.push(noticeOf(order, TAKEN_TWICE_NOTICE, data))
  }
  await raiseNotices(context, notices)
}

function noticeOf(order: StoredOrder, kind: string, data: Readonly<Record<string, string>>) {
  return { kind, subject: orderSubject(order.id), accountId: order.accountId, data }
}
