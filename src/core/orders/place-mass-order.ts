import { hash } from 'node:crypto'
import { execute } from '../execute.ts'
import type { Effect, Operation } from '../operation.ts'
import { invalidField } from '../refusal.ts'
import { type Buyer, orderedBy } from './buyer.ts'
import type { OrderDesk } from './order-desk.ts'
import type { OrderRequest } from './order-fields.ts'
import { type PlacedOrder, placeOrder } from './place-order.ts'

const LINES_MAX = 1_000

export interface MassOrderCall {
  readonly actor: Buyer
  /** One order a line, `service|link|quantity`; empty lines are none. */
  readonly text: string
  readonly idempotencyKey: string | null
}

/** What became of one line, counted from 1: an order, or why not. */
export interface MassOrderLine {
  readonly line: number
  readonly text: string
  readonly outcome: { readonly order: PlacedOrder } | { readonly error: unknown }
}

/**
 * Places an order for each line, each answered for itself: one that is refused keeps no other from
 * being placed, and a batch that is cut off has placed each of its lines or not. Under an
 * idempotency key a repeat finds the orders of the first asking, and places what it did not.
 *
 * Refuses `insufficient_scope`, `invalid_input`, `idempotency_key_invalid` and
 * `idempotency_key_reused` as a whole; whatever `placeOrder` refuses is told with its line.
 */
export async function placeMassOrder(
  desk: OrderDesk,
  call: MassOrderCall,
): Promise<Effect<MassOrderLine[]>> {
  const lines = readLines(call.text)
  const { idempotencyKey } = call
  // Held before any of the lines is: another asking under this key must not place some of its own.
  const { replayed } = await execute(desk.funnel, acceptMassOrder, {
    actor: orderedBy(call.actor),
    input: { accountId: call.actor.accountId, text: call.text },
    idempotencyKey,
  })
  const batch = idempotencyKey === null ? null : hash('sha256', idempotencyKey, 'hex')
  const output = await Promise.all(
    lines.map(async ({ line, text }): Promise<MassOrderLine> => {
      try {
        const { output: order } = await placeOrder(desk, {
          actor: call.actor,
          request: readLine(text),
          idempotencyKey: batch === null ? null : `mass-order-${batch}-${line}`,
        })
        return { line, text, outcome: { order } }
      } catch (error) {
        return { line, text, outcome: { error } }
      }
    }),
  )
  return { output, replayed }
}

/** Takes the idempotency key for the text as it stands. It changes nothing itself. */
const acceptMassOrder: Operation<{ accountId: bigint; text: string }, { accepted: true }> = {
  name: 'order.place_many',
  permission: 'write:orders',
  async run({ record }, { accountId }) {
    record({ kind: 'mass_order.accepted', subjectId: accountId, accountId })
    return { accepted: true }
  },
}

function readLines(text: string): { line: number; text: string }[] {
  const lines = text
    .split(/\r\n|\n|\r/)
    .map((each, index) => ({ line: index + 1, text: each.trim() }))
    .filter((each) => each.text !== '')
  if (lines.length === 0) throw invalidField('/lines', 'lines is required', 'missing_required')
  if (lines.length > LINES_MAX) {
    throw invalidField('/lines', `lines has more than ${LINES_MAX} orders`, 'too_many_items')
  }
  return lines
}

/** A link may have the separator in it; a service that fixes its quantity may leave that out. */
function readLine(text: string): OrderRequest {
  const [service = '', ...rest] = text.split('|')
  const quantity = rest.length > 1 ? rest.pop() : undefined
  const request = { service: service.trim(), link: rest.join('|').trim() }
  return quantity === undefined ? request : { ...request, quantity: quantity.trim() }
}
