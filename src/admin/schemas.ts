import type { TSchema } from 'typebox'
import { IdempotencyHeader, PROBLEM_RESPONSES } from '../http/rest/shapes.ts'

/** What OpenAPI says of a route, beside its shapes. */
export interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly tag: string
}

export const SECURITY = [{ operatorKey: [] }, { operatorSession: [] }]

/** The schema of a route that reads. */
export function reading<const T extends Record<string, unknown>, R extends TSchema>(
  text: RouteText,
  shapes: T & { readonly answer: R },
) {
  const { answer, ...rest } = shapes
  return {
    operationId: text.operationId,
    summary: text.summary,
    tags: [text.tag],
    security: SECURITY,
    ...rest,
    response: { 200: answer, ...PROBLEM_RESPONSES },
  }
}

/** The schema of a route that writes; it takes an `Idempotency-Key`. */
export function writing<
  const T extends Record<string, unknown>,
  const R extends Record<number, TSchema>,
>(text: RouteText, shapes: T & { readonly answers: R }) {
  const { answers, ...rest } = shapes
  return {
    operationId: text.operationId,
    summary: text.summary,
    tags: [text.tag],
    security: SECURITY,
    headers: IdempotencyHeader,
    ...rest,
    response: { ...answers, ...PROBLEM_RESPONSES },
  }
}
