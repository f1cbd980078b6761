import type { DeliveryStatus } from '../../../core/orders/delivery-driver.ts'
import { batchesOf } from './batches-of.ts'
import type { LearntForms, PanelAccess } from './panel-access.ts'
import type { Reply } from './panel-connection.ts'
import { isObject, readError } from './panel-values.ts'
import { readStatus } from './read-status.ts'
import { UpstreamFailure } from './upstream-failure.ts'

type Statuses = Map<string, DeliveryStatus>
type Form = NonNullable<LearntForms['status']>

/** What upstreams take at once. */
const MANY = 100
const BEGIN_WITHIN_MS = 5_000

/**
 * Where orders stand: a hundred in one call, as `status` with `orders`; else as `multiStatus`; else
 * each for itself. What was understood once is asked first from then on. Throws where nothing was
 * learnt because the upstream failed.
 */
export async function followOrders(
  access: PanelAccess,
  refs: readonly string[],
): Promise<ReadonlyMap<string, DeliveryStatus>> {
  const batches = batchesOf([...new Set(refs)], MANY)
  const asked = await Promise.allSettled(batches.map((batch) => followBatch(access, batch)))
  const learnt = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  const failed = asked.find((answer) => answer.status === 'rejected')
  if (failed !== undefined && learnt.length === 0) throw failed.reason
  return new Map(learnt.flatMap((statuses) => [...statuses]))
}

async function followBatch(access: PanelAccess, refs: readonly string[]): Promise<Statuses> {
  const { forms } = access
  for (const form of formsFrom(forms.status)) {
    const statuses = form === 'one' ? await oneByOne(access, refs) : await many(access, form, refs)
    if (statuses === undefined) continue
    // An upstream that knows none of them has not shown that it understands.
    if ([...statuses.values()].some(({ kind }) => kind === 'known')) forms.status = form
    return statuses
  }
  return new Map()
}

function formsFrom(learnt: Form | undefined): readonly Form[] {
  if (learnt === 'one') return ['one']
  return learnt === 'multiStatus'
    ? ['multiStatus', 'status', 'one']
    : ['status', 'multiStatus', 'one']
}

/** Undefined where the upstream does not answer each by its id. */
async function many(
  { connection, turns }: PanelAccess,
  action: 'status' | 'multiStatus',
  refs: readonly string[],
): Promise<Statuses | undefined> {
  const fields = { action, orders: refs.join(',') }
  const body = failingAloud(await turns.take(() => connection.call(fields)))
  if (refs.length === 1 && readStatus(body).kind === 'known') {
    return new Map([[refs[0] ?? '', readStatus(body)]])
  }
  const entries = entriesOf(body)
  const statuses: Statuses = new Map()
  for (const ref of refs) {
    if (entries.has(ref)) statuses.set(ref, readStatus(entries.get(ref)))
  }
  return statuses.size === 0 ? undefined : statuses
}

/** By id: an object with ids as its fields, or a list of which each names its order. */
function entriesOf(body: unknown): ReadonlyMap<string, unknown> {
  if (Array.isArray(body)) {
    return new Map(
      body.flatMap((each) => {
        const name: unknown = isObject(each) ? (each.order ?? each.id) : undefined
        return typeof name === 'string' ? [[name, each]] : []
      }),
    )
  }
  return new Map(isObject(body) ? Object.entries(body) : [])
}

async function oneByOne(access: PanelAccess, refs: readonly string[]): Promise<Statuses> {
  const { connection, turns } = access
  const beginBefore = performance.now() + BEGIN_WITHIN_MS
  const statuses: Statuses = new Map()
  let failure: unknown
  await Promise.all(
    refs.map((ref) =>
      turns.take(async () => {
        if (performance.now() > beginBefore || failure !== undefined) return
        try {
          const reply = await connection.call({ action: 'status', order: ref })
          statuses.set(ref, readStatus(failingAloud(reply)))
        } catch (error) {
          failure = error
        }
      }),
    ),
  )
  if (failure !== undefined && statuses.size === 0) throw failure
  return statuses
}

const REFUSED_KEY = new Set([401, 403, 429])

/** The body of an answer that the panel itself gave; throws where the panel failed. */
function failingAloud(reply: Reply): unknown {
  if (reply.kind !== 'answered') throw new UpstreamFailure(`status: ${reply.reason}`)
  const { status, body } = reply
  if (status >= 500 || REFUSED_KEY.has(status) || body === undefined) {
    throw new UpstreamFailure(`status: ${readError(body) ?? `HTTP ${status}, no answer to it`}`)
  }
  const error = readError(body)
  if (error !== undefined && /api[ _-]?key|too many|rate.?limit/i.test(error)) {
    throw new UpstreamFailure(`status: ${error}`)
  }
  return body
}
