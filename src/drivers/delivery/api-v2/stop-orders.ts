import type { CancelAnswer, DeliveryStatus } from '../../../core/orders/delivery-driver.ts'
import { batchesOf } from './batches-of.ts'
import { followOrders } from './follow-orders.ts'
import type { PanelAccess } from './panel-access.ts'
import { isObject, readError } from './panel-values.ts'

const MANY = 100

/**
 * Asks for orders to be stopped, and then where they stand: a panel that says yes may only have
 * noted the wish, and one that says no may have stopped the order before. What has ended is told
 * as it ended; what runs on after a yes is unknown until it stands still.
 */
export async function stopOrders(
  access: PanelAccess,
  refs: readonly string[],
): Promise<ReadonlyMap<string, CancelAnswer>> {
  if (refs.length === 0) return new Map()
  const batches = batchesOf([...new Set(refs)], MANY)
  const asked = await Promise.all(batches.map((batch) => askToStop(access, batch)))
  const refusals = new Map(asked.flatMap((said) => [...said]))
  const statuses = await followOrders(access, refs)
  return new Map(refs.map((ref) => [ref, answerOf(refusals.get(ref), statuses.get(ref))]))
}

/** Of orders that were answered: why not, or null where the upstream agreed. */
type Said = Map<string, string | null>

async function askToStop(access: PanelAccess, refs: readonly string[]): Promise<Said> {
  const { connection, turns, forms } = access
  if (forms.cancel !== 'one') {
    const fields = { action: 'cancel', orders: refs.join(',') }
    const reply = await turns.take(() => connection.call(fields))
    if (reply.kind !== 'answered' || reply.status >= 500) return new Map()
    const said = readMany(reply.body, refs)
    if (said.size > 0) {
      forms.cancel = 'orders'
      return said
    }
  }
  return await askEach(access, refs)
}

async function askEach(access: PanelAccess, refs: readonly string[]): Promise<Said> {
  const { connection, turns, forms } = access
  const said: Said = new Map()
  let lost = false
  await Promise.all(
    refs.map((order) =>
      turns.take(async () => {
        if (lost) return
        const reply = await connection.call({ action: 'cancel', order })
        if (reply.kind !== 'answered' || reply.status >= 500) {
          lost = true
          return
        }
        const error = readError(reply.body) ?? readError(cancelWithin(reply.body))
        if (error === undefined && reply.status < 300) forms.cancel = 'one'
        if (error !== undefined || reply.status < 300) said.set(order, error ?? null)
      }),
    ),
  )
  return said
}

function cancelWithin(body: unknown): unknown {
  return isObject(body) ? body.cancel : undefined
}

/** `[{order, cancel}]` or `[{order, error}]`; some leave the list out for one order. */
function readMany(body: unknown, refs: readonly string[]): Said {
  const said: Said = new Map()
  const entries = Array.isArray(body) ? body : [body]
  for (const entry of entries) {
    if (!isObject(entry) || typeof entry.order !== 'string' || !refs.includes(entry.order)) continue
    said.set(entry.order, readError(entry) ?? readError(cancelWithin(entry)) ?? null)
  }
  return said
}

function answerOf(
  refusal: string | null | undefined,
  status: DeliveryStatus | undefined,
): CancelAnswer {
  if (status?.kind !== 'known') return { kind: 'unknown' }
  switch (status.state) {
    case 'canceled':
    case 'partial':
      // How much of it was delivered the status of the order will say.
      if (status.remains === null) return { kind: 'unknown' }
      return { kind: 'canceled', remains: status.remains }
    case 'completed':
      return { kind: 'refused', reason: 'The delivery has ended.' }
    case 'failed':
      return { kind: 'unknown' }
    default:
      return typeof refusal === 'string'
        ? { kind: 'refused', reason: refusal }
        : { kind: 'unknown' }
  }
}
