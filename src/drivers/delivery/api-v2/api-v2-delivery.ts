import type { DeliveryRequest, SubmitAnswer } from '../../../core/orders/delivery-driver.ts'
import type { UpstreamDriver, UpstreamSettings } from '../../../core/upstreams/upstream-driver.ts'
import { isCurrency } from '../../../lib/money.ts'
import { readAddAnswer } from './add-answer.ts'
import { addFields, addKey } from './add-fields.ts'
import { askRefills, refillStatuses } from './ask-refills.ts'
import { followOrders } from './follow-orders.ts'
import { listOffers } from './list-offers.ts'
import type { PanelAccess } from './panel-access.ts'
import { type ConnectionOptions, FOLLOWING_MAX, openPanelConnection } from './panel-connection.ts'
import { isObject, readAmount } from './panel-values.ts'
import { stopOrders } from './stop-orders.ts'
import { Turns } from './turns.ts'
import { requireAnswer, UpstreamFailure } from './upstream-failure.ts'

/** Handing over begins no further order after this, so that a call ends within its time. */
const BEGIN_WITHIN_MS = 3_000
/** After so many orders in a row of which nothing is known no further one is put at risk. */
const DOUBTS_MAX = 3
const PAUSED_MS = 60_000

/** A panel that speaks the "API v2" of the family, in whichever of its dialects. */
export function apiV2Delivery(
  settings: UpstreamSettings,
  o: ConnectionOptions = {},
): UpstreamDriver {
  const connection = openPanelConnection(settings, o)
  const access: PanelAccess = {
    connection,
    adds: new Turns(settings.inFlightMax),
    turns: new Turns(FOLLOWING_MAX),
    forms: { status: undefined, cancel: undefined, refillStatus: undefined },
  }
  return {
    isIdempotent: settings.isIdempotent,
    revises: true,
    submit: (orders) => submit(access, settings, orders),
    status: (refs) => followOrders(access, refs),
    cancel: (refs) => stopOrders(access, refs),
    refill: (asked) => askRefills(access, settings, asked),
    refillStatus: (refs) => refillStatuses(access, refs),
    async balance() {
      const body = requireAnswer(await connection.call({ action: 'balance' }), 'balance')
      const balanceMicros = isObject(body) ? readAmount(body.balance, 'down') : undefined
      if (!isObject(body) || balanceMicros === undefined) {
        throw new UpstreamFailure('balance: the answer holds none')
      }
      const code = typeof body.currency === 'string' ? body.currency.trim().toUpperCase() : ''
      return { balanceMicros, currency: isCurrency(code) ? code : null }
    },
    services: () => listOffers(connection),
    close: () => connection.close(),
  }
}

/**
 * Each order is a call of its own. Where the upstream is slow or silent the rest is not begun, and
 * answered `later`, which is certain: no order is put in doubt without need.
 */
async function submit(
  { connection, adds }: PanelAccess,
  settings: UpstreamSettings,
  orders: readonly DeliveryRequest[],
): Promise<ReadonlyMap<bigint, SubmitAnswer>> {
  const answers = new Map<bigint, SubmitAnswer>()
  const beginBefore = performance.now() + BEGIN_WITHIN_MS
  let doubts = 0
  const hand = async (order: DeliveryRequest): Promise<SubmitAnswer> => {
    if (settings.isPaused) return notBegun('the upstream is paused', PAUSED_MS)
    const { upstreamService } = order
    if (upstreamService === null) return NAMELESS
    if (performance.now() > beginBefore) return notBegun('the upstream is busy', 0)
    if (doubts >= DOUBTS_MAX) return notBegun('the upstream does not answer')
    const { installation, isIdempotent } = settings
    const key = isIdempotent ? { idempotencyKey: addKey(installation, order) } : {}
    const reply = await connection.call(addFields(order, upstreamService), key)
    const answer = readAddAnswer(reply, { isPurser: isIdempotent })
    doubts = answer.kind === 'unknown' ? doubts + 1 : 0
    return answer
  }
  await Promise.all(
    orders.map(async (order) => {
      answers.set(order.orderId, await adds.take(() => hand(order)))
    }),
  )
  return withoutDoubles(answers)
}

const NAMELESS = {
  kind: 'later',
  reason: 'the service names no service of the upstream',
  afterMs: null,
  isOwn: true,
} as const

function notBegun(reason: string, afterMs: number | null = null): SubmitAnswer {
  return { kind: 'later', reason, afterMs }
}

/** An id that was given to two orders says of neither which it is. */
function withoutDoubles(answers: Map<bigint, SubmitAnswer>): ReadonlyMap<bigint, SubmitAnswer> {
  const times = new Map<string, number>()
  for (const answer of answers.values()) {
    if (answer.kind === 'accepted') times.set(answer.ref, (times.get(answer.ref) ?? 0) + 1)
  }
  for (const [orderId, answer] of answers) {
    if (answer.kind === 'accepted' && times.get(answer.ref) !== 1) {
      answers.set(orderId, { kind: 'unknown' })
    }
  }
  return answers
}
