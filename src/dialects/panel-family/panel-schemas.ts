import { type TSchema, Type } from 'typebox'

/** An object with these fields and no others. */
export function closed<T extends Record<string, TSchema>>(properties: T) {
  return Type.Object(properties, { additionalProperties: false })
}

/** A schema of the document, by its name there. */
export function named(name: string) {
  return Type.Unsafe<unknown>({ $ref: `#/components/schemas/${name}` })
}

/** A form: `key`, `action` and what the action takes. Fields that nobody asked for are ignored. */
export function form<T extends Record<string, TSchema>>(action: string, fields: T) {
  return Type.Object({
    key: Type.String({ description: 'Your API key' }),
    action: Type.Literal(action, { description: 'This, literally' }),
    ...fields,
  })
}

/** Of every action that changes something. */
export const idempotencyKey = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    description:
      'Your own name for this request: sent again, it answers the same and does nothing twice. ' +
      'The header `Idempotency-Key` does the same.',
  }),
)

/** A decimal as text. */
export function decimal(description: string) {
  return Type.String({ pattern: '^-?\\d+(\\.\\d+)?$', description })
}

/** A whole number as text. */
export function wholeText(description: string) {
  return Type.String({ pattern: '^\\d+$', description })
}

export const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' })

const service = Type.Integer({ minimum: 1, description: 'Service ID, from the service list' })
const link = Type.String({ maxLength: 2048, description: 'Link to the page' })
const quantity = Type.Integer({
  minimum: 1,
  description: "Needed quantity, between the service's `min` and `max`",
})
const LINK = 'https://shop.example/page'
const TEN_LINES = Array.from({ length: 10 }, (_, at) => `Caption ${at + 1}`).join('\n')

/** The fields of `add` for each type of service. Source: the order panel's "Add order". */
export const ADD_REQUESTS = [
  addRequest('Default', { link, quantity }, { service: 1, link: LINK, quantity: 100 }),
  addRequest(
    'SEO',
    {
      link,
      keywords: Type.String({ description: 'Keywords, divided by commas or one a line' }),
      quantity,
    },
    { service: 2, link: LINK, keywords: 'tea,green tea', quantity: 100 },
  ),
  addRequest(
    'Custom Comments',
    {
      link,
      comments: Type.String({
        description: 'One comment a line; the quantity is the number of lines that are not empty',
      }),
    },
    { service: 3, link: LINK, comments: TEN_LINES },
  ),
  addRequest(
    'Poll',
    {
      link,
      quantity,
      answer_number: Type.Integer({ minimum: 1, description: 'The answer to vote for: 1, 2, 3 …' }),
    },
    { service: 5, link: LINK, quantity: 100, answer_number: 2 },
  ),
  addRequest(
    'Invites from Groups',
    {
      link,
      groups: Type.String({ description: 'Source groups, one a line' }),
      quantity,
    },
    { service: 6, link: LINK, groups: 'first_group\nsecond_group', quantity: 100 },
  ),
  addRequest(
    'Package',
    { link },
    { service: 4, link: LINK },
    'The service itself fixes the quantity.',
  ),
]

function addRequest(
  type: string,
  fields: Record<string, TSchema>,
  example: Record<string, string | number>,
  description?: string,
) {
  return {
    title: type,
    ...(description === undefined ? {} : { description }),
    name: `Add${type.replaceAll(' ', '')}`,
    schema: form('add', { service, ...fields, idempotency_key: idempotencyKey }),
    example: { action: 'add', ...example },
  }
}

export const order = Type.String({
  description: 'One order, by its number or as `CR-202411-0001`',
})
export const orders = Type.String({
  description: 'Up to 100 orders, divided by commas',
})

/** A request that has nothing but its action. */
export function plainRequest(action: string, name: string) {
  return { title: 'Fields', name, schema: form(action, {}), example: { action } }
}

export const Balance = closed({ balance: decimal('What is in the wallet'), currency: Currency })

export const OrderStatuses = Type.Unsafe<unknown>({
  type: 'object',
  description: 'By the ids as they were sent',
  minProperties: 1,
  additionalProperties: { anyOf: [named('OrderStatus'), named('Error')] },
})
