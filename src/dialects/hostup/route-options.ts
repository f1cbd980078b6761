import { type TSchema, Type } from 'typebox'
import type { Scope } from '../../core/scope.ts'
import { requires } from '../../http/rest/caller.ts'
import { IdempotencyHeader } from '../../http/rest/shapes.ts'
import { problems } from './problem-responses.ts'

/** What OpenAPI says of a route, beside its shapes. */
interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tag: 'VPS' | 'Products' | 'Billing' | 'Jobs'
  /** What the key or the session has to be allowed. */
  readonly scope: Scope
  /** What it may answer beside what every route of its kind may. */
  readonly problems?: Parameters<typeof problems>[0]
}

/** `/vps/{id}`: the public id; the number does too. */
export const VpsParams = Type.Object({
  id: Type.String({
    description: '`id` of `GET /api/v2/vps`',
    examples: ['vps_01hxa3b4c5d6e7f8g9h0j1k2m3'],
  }),
})

/** `/billing/invoices/{id}`, likewise. */
export const InvoiceParams = Type.Object({
  id: Type.String({
    description: '`id` of `GET /api/v2/billing/invoices`',
    examples: ['inv_01hxa3b4c5d6e7f8g9h0j1k2m3'],
  }),
})

/** A route that reads: its answer is 200. */
export function reading<const T extends Record<string, unknown>, const R extends TSchema>(
  text: RouteText,
  shapes: T & { readonly answer: R },
) {
  const { answer, ...rest } = shapes
  return {
    onRequest: requires(text.scope),
    schema: {
      ...described(text),
      ...rest,
      response: {
        200: answer,
        ...problems([400, 401, 403, ...(text.problems ?? []), 429, 500, 503]),
      },
    },
  }
}

/** A route that changes something; it takes an `Idempotency-Key`. */
export function writing<
  const T extends Record<string, unknown>,
  const R extends Record<number, unknown>,
>(text: RouteText, shapes: T & { readonly answers: R }) {
  const { answers, ...rest } = shapes
  return {
    onRequest: requires(text.scope),
    schema: {
      ...described(text),
      headers: IdempotencyHeader,
      ...rest,
      response: {
        ...problems([400, 401, 403, 404, 409, ...(text.problems ?? []), 413, 429, 500, 503]),
        ...answers,
      },
    },
  }
}

function described({ operationId, summary, description, tag, scope }: RouteText) {
  const needs = `Needs the scope \`${scope}\`.`
  return {
    operationId,
    summary,
    description: description === undefined ? needs : `${description}\n\n${needs}`,
    tags: [tag],
    security: [{ customerKey: [] }, { customerSession: [] }],
  }
}
