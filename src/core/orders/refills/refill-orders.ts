import { accountOf } from '../../actor.ts'
import type { Call, Funnel } from '../../execute.ts'
import type { Effect, Operation, OperationContext } from '../../operation.ts'
import type { DeliveryDrivers } from '../delivery-driver.ts'
import { parseOrderName } from '../order-name.ts'
import { type AskingStep, reserveAskSettle } from '../reserve-ask-settle.ts'
import { askToRefill, type Heard } from './ask-to-refill.ts'
import type { AskedWork } from './refill.ts'
import { whyNotRefillable } from './refill-rules.ts'
import {
  type Delivered,
  insertRefills,
  leaseWorks,
  lockLastRefills,
  lockRefillable,
  lockRefills,
  type RefillableOrder,
  type RefillDraft,
  readDelivered,
  readWorks,
  type StoredRefill,
} from './refill-store.ts'
import { outcomeOf, type RefillOutcome, writeHeard } from './write-heard.ts'

/** What refilling needs of the process. */
export interface Refilling {
  readonly funnel: Funnel
  readonly drivers: DeliveryDrivers
}

export interface RefillInput {
  /** Names as the caller wrote them: numbers or `CR-…`, at most 100. */
  readonly orders: readonly string[]
}

/** What became of one name: the refill's number, or why there is none. */
export type RefillResult =
  | { readonly asked: string; readonly refillId: string; readonly refused: null }
  | { readonly asked: string; readonly refused: RefillRefusal; readonly detail: string | null }

export type RefillRefusal = 'order_not_found' | 'order_not_refillable' | 'provider_error'

export interface RefillOutput {
  /** One for each name, in the order asked. */
  readonly results: readonly RefillResult[]
}

/** How many deliveries are asked for while the caller waits; a worker asks for what is beyond. */
const ASK_AT_ONCE_MAX = 200

/**
 * Asks for refills of orders, each answered for itself. A refill is stored, its providers are asked
 * outside any transaction, and what they say is written. One that every provider refuses is unmade.
 * One whose answer is lost is kept and asked for again by a worker; the caller is told that the
 * provider failed, and gets this same refill when he asks again.
 *
 * A repeat under the same key waits for the first and gets its answer. Where nothing was taken
 * nothing is stored, so that the next try is judged afresh.
 *
 * Refuses `insufficient_scope`, `invalid_input`, `too_many_ids`, `idempotency_key_invalid`,
 * `idempotency_key_reused`, `unavailable`; and `provider_error` where the provider failed us and
 * nothing was taken.
 */
export async function refillOrders(
  desk: Refilling,
  call: Call<RefillInput>,
): Promise<Effect<RefillOutput>> {
  return await reserveAskSettle<RefillInput, RefillResult, RefillAsk>(desk.funnel, call, {
    reservation,
    async settlement(lease, { works, verdicts }) {
      const heard = await askToRefill(desk.drivers, works)
      return settlement({ lease, heard, verdicts })
    },
  })
}

/** What is to be answered of one name: decided, or to be seen by what becomes of a refill. */
type Verdict =
  | { readonly asked: string; readonly refillId: bigint }
  | Extract<RefillResult, { refused: RefillRefusal }>

interface RefillAsk {
  readonly kind: 'ask'
  readonly verdicts: readonly Verdict[]
  readonly works: readonly AskedWork[]
}

type Step = AskingStep<RefillResult, RefillAsk>
type RefillStep = Operation<RefillInput, Step>

const OPERATION = { name: 'order.refill', permission: 'write:orders' } as const

/** Settles at once where no provider has to be asked; else makes the refills, for `lease`. */
function reservation(by: { lease: string; patient: boolean }): RefillStep {
  return {
    ...OPERATION,
    async run(context, { orders }) {
      const found = await lockAsked(context, orders)
      const judged = await judge(context, found)
      const plans = [...judged.values()]
      // Nothing is made while something is waited for: two who wait would wait for each other.
      if (by.patient && plans.some((plan) => plan.kind === 'wait')) return { kind: 'wait' }
      const made = await reserve(context, plans, by.lease)
      const verdicts = found.map(({ asked, order }) => verdictOf(asked, order, judged, made.ids))
      if (made.works.length > 0) return { kind: 'ask', verdicts, works: made.works }
      return await settle(context, { verdicts, heard: [], lease: by.lease })
    },
  }
}

/** Writes what the providers answered, and tells whoever asked. */
function settlement(o: {
  lease: string
  heard: readonly Heard[]
  verdicts: readonly Verdict[]
}): RefillStep {
  return { ...OPERATION, run: (context) => settle(context, o) }
}

interface Asked {
  readonly asked: string
  readonly order: RefillableOrder | undefined
}

async function lockAsked(context: OperationContext, texts: readonly string[]): Promise<Asked[]> {
  const names = texts.map((asked) => ({ asked, name: parseOrderName(asked.trim()) }))
  const ids = new Set(names.flatMap(({ name }) => (name === undefined ? [] : [name.id])))
  const accountId = accountOf(context.actor)
  const orders = await lockRefillable(context.tx, { ids: [...ids], accountId })
  return names.map(({ asked, name }) => {
    const order = name && orders.get(name.id)
    return { asked, order: order && name.fits(order.createdAt) ? order : undefined }
  })
}

/** What is to be done for one order. */
type Plan =
  | { readonly kind: 'refuse'; readonly detail: string }
  | { readonly kind: 'make'; readonly draft: RefillDraft }
  /** One that nobody was told of: it is asked for again, or where it is taken, told. */
  | { readonly kind: 'resume'; readonly refill: StoredRefill; readonly isTaken: boolean }
  /** Somebody is just asking for it. */
  | { readonly kind: 'wait' }

async function judge(
  { tx, now }: OperationContext,
  found: readonly Asked[],
): Promise<ReadonlyMap<RefillableOrder, Plan>> {
  const orders = [...new Set(found.flatMap(({ order }) => order ?? []))]
  const ids = orders.map((order) => order.id)
  const last = await lockLastRefills(tx, ids)
  const untold = [...last.values()].filter((refill) => !refill.answered)
  const untoldWorks = await readWorks(
    tx,
    untold.map((refill) => refill.id),
  )
  const delivered = Map.groupBy(await readDelivered(tx, ids), (each) => each.wholeId)
  return new Map(
    orders.map((order): [RefillableOrder, Plan] => {
      const refill = last.get(order.id)
      if (refill !== undefined && !refill.answered && refill.state !== 'rejected') {
        const works = untoldWorks.filter((work) => work.refillId === refill.id)
        const isTaken = outcomeOf(works) === 'taken'
        const busy = !isTaken && works.some((work) => !work.leaseLapsed)
        return [order, busy ? { kind: 'wait' } : { kind: 'resume', refill, isTaken }]
      }
      const deliveries = delivered.get(order.id)
      const detail = whyNotRefillable(order, refill, now) ?? (deliveries ? undefined : NOBODY)
      if (detail !== undefined || deliveries === undefined) {
        return [order, { kind: 'refuse', detail: detail ?? NOBODY }]
      }
      const { id: orderId, accountId } = order
      return [order, { kind: 'make', draft: { orderId, accountId, deliveries } }]
    }),
  )
}

const NOBODY = 'No provider has delivered it.'

/** Makes and takes what providers are to be asked for. Answers refills by order, and the works. */
async function reserve(
  { tx, now }: OperationContext,
  plans: readonly Plan[],
  lease: string,
): Promise<{ ids: ReadonlyMap<bigint, bigint>; works: readonly AskedWork[] }> {
  const drafts = plans.flatMap((plan) => (plan.kind === 'make' ? [plan.draft] : []))
  const resumed = plans.flatMap((plan) => (plan.kind === 'resume' ? [plan] : []))
  const askedFirst = firstOf(drafts)
  const ids = new Map(await insertRefills(tx, { drafts, askedFirst, lease, now }))
  const works: AskedWork[] = (await readWorks(tx, [...ids.values()]))
    .filter((work) => work.leaseWorker === lease)
    .map((work) => ({ ...work, wasAsked: false }))
  const refillIds = resumed.flatMap((plan) => (plan.isTaken ? [] : [plan.refill.id]))
  works.push(...(await leaseWorks(tx, { refillIds, lease, now, limit: ASK_AT_ONCE_MAX })))
  for (const { refill } of resumed) ids.set(refill.orderId, refill.id)
  return { ids, works }
}

/** Of each order the first deliveries, as many as can be asked for while the caller waits. */
function firstOf(drafts: readonly RefillDraft[]): ReadonlySet<Delivered> {
  const ranked = drafts
    .flatMap(({ deliveries }) => deliveries.map((delivery, rank) => ({ delivery, rank })))
    .sort((a, b) => a.rank - b.rank)
  return new Set(ranked.slice(0, ASK_AT_ONCE_MAX).map(({ delivery }) => delivery))
}

function verdictOf(
  asked: string,
  order: RefillableOrder | undefined,
  plans: ReadonlyMap<RefillableOrder, Plan>,
  ids: ReadonlyMap<bigint, bigint>,
): Verdict {
  const plan = order && plans.get(order)
  if (plan === undefined) return { asked, refused: 'order_not_found', detail: null }
  if (plan.kind === 'refuse') {
    return { asked, refused: 'order_not_refillable', detail: plan.detail }
  }
  const refillId = order && ids.get(order.id)
  return refillId === undefined
    ? { asked, refused: 'provider_error', detail: null }
    : { asked, refillId }
}

async function settle(
  context: OperationContext,
  o: { verdicts: readonly Verdict[]; heard: readonly Heard[]; lease: string },
): Promise<Step> {
  const ids = new Set(o.verdicts.flatMap((each) => ('refillId' in each ? [each.refillId] : [])))
  const refills = await lockRefills(context.tx, [...ids])
  const untold = new Map([...refills].filter(([, refill]) => !refill.answered))
  const { heard, lease } = o
  const outcomes = await writeHeard(context, { refills: untold, heard, lease, answering: true })
  return { kind: 'settled', results: o.verdicts.map((verdict) => resultOf(verdict, outcomes)) }
}

function resultOf(verdict: Verdict, outcomes: ReadonlyMap<bigint, RefillOutcome>): RefillResult {
  if (!('refillId' in verdict)) return verdict
  const { asked, refillId } = verdict
  switch (outcomes.get(refillId)) {
    case 'taken':
      return { asked, refillId: String(refillId), refused: null }
    case 'untaken':
      return { asked, refused: 'provider_error', detail: null }
    case 'refused':
      return { asked, refused: 'order_not_refillable', detail: REFUSED }
    case undefined:
      // Somebody else who asked was told of it meanwhile.
      return { asked, refused: 'order_not_refillable', detail: TOLD }
  }
}

const REFUSED = 'The provider refused it.'
const TOLD = 'A refill of this order is under way.'
