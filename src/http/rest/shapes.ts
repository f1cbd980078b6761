import { type TSchema, Type } from 'typebox'

/** Shapes that the REST surfaces share. */
export const Id = Type.String({ description: 'A number as text', examples: ['17'] })
export const Amount = Type.String({
  description: 'A decimal with up to six decimals',
  examples: ['10.00'],
})
export const Instant = Type.String({ format: 'date-time' })
export const NullableInstant = nullable(Instant)
export const Count = Type.Integer({ minimum: 0 })

export function nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

export function oneOf<const T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] })
}

export function strictObject<T extends Record<string, TSchema>>(properties: T) {
  return Type.Object(properties, { additionalProperties: false })
}

export const NoBody = strictObject({})
export const IdParams = strictObject({ id: Type.String() })

/** `limit` and `cursor`, and what else a list is filtered by. */
export function listQuery<T extends Record<string, TSchema>>(filters: T) {
  return strictObject({
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the page before' })),
    ...filters,
  })
}

export function listOf<T extends TSchema>(item: T) {
  return Type.Object({
    data: Type.Array(item),
    hasMore: Type.Boolean(),
    nextCursor: nullable(Type.String()),
  })
}

/** What a problem is, whichever request met it. */
export const PROBLEM_KIND = {
  type: Type.String({ format: 'uri' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
}

function problemShape<T extends TSchema>(extensions: T) {
  return Type.Object({
    ...PROBLEM_KIND,
    instance: Type.String(),
    requestId: Type.String(),
    timestamp: Instant,
    errors: Type.Optional(
      Type.Array(
        Type.Object({ pointer: Type.String(), detail: Type.String(), code: Type.String() }),
      ),
    ),
    extensions,
  })
}

/** A response that is Problem Details with these extensions. */
export function problemResponse<T extends TSchema>(description: string, extensions: T) {
  return {
    description,
    content: { 'application/problem+json': { schema: problemShape(extensions) } },
  }
}

const problem = (description: string) => problemResponse(description, Type.Object({}))

/** Every route's answers beside its own. */
export const PROBLEM_RESPONSES = {
  '4xx': problem('What the caller can change; `code` says what.'),
  '5xx': problem('What the caller cannot change; 502 and 503 may pass.'),
}

/** Headers of a route that writes. */
export const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: '1 to 255 printable ASCII characters, kept for 30 days' }),
  ),
})
