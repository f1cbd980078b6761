import { type TSchema, Type } from 'typebox'
import type { RefusalCode } from '../../core/refusal.ts'
import type { Scope } from '../../core/scope.ts'
import { requires } from '../../http/rest/caller.ts'
import { IdempotencyHeader } from '../../http/rest/shapes.ts'
import { errorResponses } from './error-responses.ts'

/** What OpenAPI says of a route, beside its shapes. */
interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tag: 'Servers' | 'Orders' | 'Balance' | 'Invoices'
  /** What the key has to be allowed. */
  readonly scope: Scope
  /** What it refuses beside what every route of its kind does. */
  readonly refuses?: readonly RefusalCode[]
}

/** A route that reads: its answer is 200. */
export function reading<const T extends Record<string, unknown>>(
  text: RouteText,
  shapes: T & { readonly answer: TSchema },
) {
  const { answer, ...rest } = shapes
  return {
    onRequest: requires(text.scope),
    schema: {
      ...described(text),
      ...rest,
      response: { 200: answer, ...errorsOf(text, rest, { writes: false }) },
    },
  }
}

/** A route that changes something; it takes an `Idempotency-Key`. No answer is 204. */
export function writing<const T extends Record<string, unknown>>(
  text: RouteText,
  shapes: T & { readonly answer: TSchema | null },
) {
  const { answer, ...rest } = shapes
  const success = answer === null ? { 204: Type.Null() } : { 200: answer }
  return {
    onRequest: requires(text.scope),
    schema: {
      ...described(text),
      headers: IdempotencyHeader,
      ...rest,
      response: { ...success, ...errorsOf(text, rest, { writes: true }) },
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
    security: [{ customerKey: [] }],
  }
}

function errorsOf(
  { refuses = [] }: RouteText,
  shapes: Readonly<Record<string, unknown>>,
  { writes }: { writes: boolean },
) {
  const hasBody = shapes.body !== undefined
  const hasFields = hasBody || shapes.querystring !== undefined
  return errorResponses({
    hasPath: shapes.params !== undefined,
    hasFields,
    hasBody,
    writes,
    refuses,
  })
}
