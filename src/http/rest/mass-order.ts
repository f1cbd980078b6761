import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { monthlyName } from '../../core/orders/order-name.ts'
import type { MassOrderLine } from '../../core/orders/place-mass-order.ts'
import type { PlacedOrder } from '../../core/orders/place-order.ts'
import { currencyDecimals, formatAmount } from '../../lib/money.ts'
import type { RestDeps } from './prepare-rest.ts'
import { problemOf } from './problem.ts'
import { Amount, Id, Instant, nullable, PROBLEM_KIND, strictObject } from './shapes.ts'

/** An order as it was placed: it never changes, so a repeat answers the same. */
export const PlacedShape = Type.Object({
  id: Id,
  public_id: Type.String({ examples: ['CR-202411-0001'] }),
  currency: Type.String(),
  list_charge: Amount,
  charge: Amount,
  created_at: Instant,
})

export const MassOrderBody = strictObject({
  lines: Type.String({
    description: 'One order a line, up to 1000',
    examples: ['1|https://shop.example/page|100\n2|https://shop.example/other|250'],
  }),
})

export const MassOrderShape = Type.Object({
  data: Type.Array(
    Type.Object({
      line: Type.Integer({ description: 'Counted from 1, empty ones too' }),
      text: Type.String(),
      order: nullable(PlacedShape),
      problem: nullable(Type.Object(PROBLEM_KIND)),
    }),
  ),
})

export function showPlaced(order: PlacedOrder): Static<typeof PlacedShape> {
  const amount = (micros: bigint) => formatAmount(micros, currencyDecimals(order.currency))
  return {
    id: String(order.id),
    public_id: monthlyName(order.id, order.createdAt),
    currency: order.currency,
    list_charge: amount(order.listChargeMicros),
    charge: amount(order.chargeMicros),
    created_at: order.createdAt.toISOString(),
  }
}

export function showMassOrder(
  deps: RestDeps,
  request: FastifyRequest,
  lines: readonly MassOrderLine[],
): Static<typeof MassOrderShape> {
  return {
    data: lines.map(({ line, text, outcome }) => {
      if ('order' in outcome) return { line, text, order: showPlaced(outcome.order), problem: null }
      const refusal = deps.toRefusal(outcome.error, request)
      const problem = problemOf(request, { refusal, publicUrl: deps.publicUrl })
      return { line, text, order: null, problem }
    }),
  }
}
