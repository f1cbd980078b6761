import type { FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import { authorizeAny } from '../core/execute.ts'
import type { Scope } from '../core/scope.ts'
import { callerOf } from '../http/rest/caller.ts'
import { IdempotencyHeader, PROBLEM_RESPONSES } from '../http/rest/shapes.ts'

/** What OpenAPI says of a route, beside its shapes. */
export interface RouteText {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tag: string
  /** One of these the key or the session has to be allowed. */
  readonly scopes: readonly Scope[]
}

/** A route that reads. */
export function reading<const T extends Record<string, unknown>, R extends TSchema>(
  text: RouteText,
  shapes: T & { readonly answer: R },
) {
  const { answer, ...rest } = shapes
  return {
    onRequest: requiresAny(text.scopes),
    schema: { ...described(text), ...rest, response: { 200: answer, ...PROBLEM_RESPONSES } },
  }
}

/** A route that writes; it takes an `Idempotency-Key`. */
export function writing<
  const T extends Record<string, unknown>,
  const R extends Record<number, TSchema>,
>(text: RouteText, shapes: T & { readonly answers: R }) {
  const { answers, ...rest } = shapes
  return {
    onRequest: requiresAny(text.scopes),
    schema: {
      ...described(text),
      headers: IdempotencyHeader,
      ...rest,
      response: { ...answers, ...PROBLEM_RESPONSES },
    },
  }
}

/** A hook that refuses `insufficient_scope` before the body is read. */
function requiresAny(scopes: readonly Scope[]): (request: FastifyRequest) => Promise<void> {
  return async (request) => authorizeAny(callerOf(request), scopes)
}

function described({ operationId, summary, description, tag, scopes }: RouteText) {
  const needs = `Needs the scope ${scopes.map((scope) => `\`${scope}\``).join(' or ')}.`
  return {
    operationId,
    summary,
    description: description === undefined ? needs : `${description}\n\n${needs}`,
    tags: [tag],
    security: [{ customerKey: [] }, { customerSession: [] }],
  }
}
