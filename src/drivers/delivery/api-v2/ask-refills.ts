import type {
  RefillAnswer,
  RefillRequest,
  RefillStatus,
} from '../../../core/orders/delivery-driver.ts'
import type { UpstreamSettings } from '../../../core/upstreams/upstream-driver.ts'
import { readAddAnswer } from './add-answer.ts'
import { batchesOf } from './batches-of.ts'
import type { PanelAccess } from './panel-access.ts'
import type { Reply } from './panel-connection.ts'
import { isObject, readError, readRef } from './panel-values.ts'
import { UpstreamFailure } from './upstream-failure.ts'

const MANY = 100
const BEGIN_WITHIN_MS = 3_000

/** Each refill is a call of its own: its answer is about one order, whatever happens to others. */
export async function askRefills(
  { connection, turns }: PanelAccess,
  { isIdempotent, installation }: UpstreamSettings,
  asked: readonly RefillRequest[],
): Promise<readonly RefillAnswer[]> {
  const beginBefore = performance.now() + BEGIN_WITHIN_MS
  return await Promise.all(
    asked.map(({ refillId, orderId, orderRef }) =>
      turns.take(async () => {
        if (performance.now() > beginBefore) return LATER
        const name = `purser-${installation}-refill-${refillId}-${orderId}`
        const key = isIdempotent ? { idempotencyKey: name } : {}
        return readRefill(await connection.call({ action: 'refill', order: orderRef }, key))
      }),
    ),
  )
}

const UNKNOWN = { kind: 'unknown' } as const
const LATER = { kind: 'later' } as const

function readRefill(reply: Reply): RefillAnswer {
  if (reply.kind === 'not sent') return LATER
  if (reply.kind !== 'answered') return UNKNOWN
  const [body] = Array.isArray(reply.body) ? reply.body : [reply.body]
  const refill: unknown = isObject(body) ? body.refill : undefined
  const isOk = reply.status >= 200 && reply.status < 300
  const ref = isOk && readError(body) === undefined ? readRef(refill) : undefined
  if (ref !== undefined) return { kind: 'accepted', ref }
  const error = readError(body) ?? readError(refill)
  // A no to a refill is as certain as a no to an order, and told by the same words.
  const said = { ...reply, body: error === undefined ? undefined : { error } }
  const answer = readAddAnswer(said, { isPurser: false })
  if (answer.kind === 'later') return LATER
  return answer.kind === 'refused' ? answer : UNKNOWN
}

/** Where refills stand: a hundred in one call, else each for itself. */
export async function refillStatuses(
  access: PanelAccess,
  refs: readonly string[],
): Promise<ReadonlyMap<string, RefillStatus>> {
  const statuses = new Map<string, RefillStatus>()
  for (const batch of batchesOf([...new Set(refs)], MANY)) {
    const many = access.forms.refillStatus === 'one' ? undefined : await askMany(access, batch)
    for (const [ref, status] of many ?? (await askEach(access, batch))) statuses.set(ref, status)
  }
  return statuses
}

/** Undefined where the upstream does not answer each by its id. */
async function askMany(
  { connection, turns, forms }: PanelAccess,
  refs: readonly string[],
): Promise<Map<string, RefillStatus> | undefined> {
  const fields = { action: 'refill_status', refills: refs.join(',') }
  const body = answeredBody(await turns.take(() => connection.call(fields)))
  if (!Array.isArray(body)) return undefined
  const statuses = new Map<string, RefillStatus>()
  for (const entry of body) {
    const ref: unknown = isObject(entry) ? entry.refill : undefined
    if (typeof ref === 'string' && refs.includes(ref)) statuses.set(ref, readState(entry))
  }
  if (statuses.size > 0) forms.refillStatus = 'refills'
  return statuses
}

async function askEach(
  { connection, turns, forms }: PanelAccess,
  refs: readonly string[],
): Promise<Map<string, RefillStatus>> {
  const statuses = new Map<string, RefillStatus>()
  const beginBefore = performance.now() + BEGIN_WITHIN_MS
  await Promise.all(
    refs.map((refill) =>
      turns.take(async () => {
        if (performance.now() > beginBefore) return
        const reply = await connection.call({ action: 'refill_status', refill })
        if (reply.kind !== 'answered') return
        const status = readState(reply.body)
        if (status.kind === 'known') forms.refillStatus ??= 'one'
        statuses.set(refill, status)
      }),
    ),
  )
  return statuses
}

function answeredBody(reply: Reply): unknown {
  if (reply.kind !== 'answered') throw new UpstreamFailure(`refill_status: ${reply.reason}`)
  if (reply.status >= 500 || reply.status === 429) {
    throw new UpstreamFailure(`refill_status: HTTP ${reply.status}`)
  }
  return reply.body
}

const STATES = {
  pending: 'pending',
  inprogress: 'in_progress',
  processing: 'in_progress',
  completed: 'completed',
  done: 'completed',
  rejected: 'rejected',
  canceled: 'rejected',
  cancelled: 'rejected',
  error: 'error',
  failed: 'error',
} as const

function readState(said: unknown): RefillStatus {
  if (!isObject(said) || typeof said.status !== 'string') return UNKNOWN
  const word = said.status.toLowerCase().replace(/[^a-z]/g, '')
  const state = Object.entries(STATES).find(([name]) => name === word)?.[1]
  return state === undefined ? UNKNOWN : { kind: 'known', state }
}
