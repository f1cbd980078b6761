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
const runs = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 1000,
    description: 'How often the quantity is delivered, by services with `dripfeed`',
  }),
)
const interval = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 43200,
    description: 'Minutes between two runs; required with `runs` of 2 and more',
  }),
)
const usernames = Type.String({ description: 'Usernames, divided by commas or one a line' })
const LINK = 'https://shop.example/page'
const TEN_LINES = Array.from({ length: 10 }, (_, at) => `Caption ${at + 1}`).join('\n')

/** The fields of `add` for each type of service. Source: the order panel's "Add order". */
export const ADD_REQUESTS = [
  addRequest(
    'Default',
    { link, quantity, runs, interval },
    { service: 1, link: LINK, quantity: 100 },
  ),
  addRequest(
    'SEO',
    {
      link,
      keywords: Type.String({ description: 'Keywords, divided by commas or one a line' }),
      quantity,
      runs,
      interval,
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
      runs,
      interval,
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
      runs,
      interval,
    },
    { service: 6, link: LINK, groups: 'first_group\nsecond_group', quantity: 100 },
  ),
  addRequest(
    'Package',
    { link },
    { service: 4, link: LINK },
    'The service itself fixes the quantity.',
  ),
  addRequest(
    'Custom Comments Package by username',
    {
      username: Type.String({ description: 'Whose posts are followed' }),
      min: Type.Integer({ minimum: 1, description: 'Least number of comments for a post' }),
      max: Type.Integer({ minimum: 1, description: 'Largest number of comments for a post' }),
      delay: Type.Integer({
        minimum: 0,
        maximum: 43200,
        description: 'Minutes from a post to its delivery',
      }),
      posts: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 10000, default: 1, description: 'How many posts' }),
      ),
      old_posts: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 10000,
          default: 0,
          description: 'How many posts of before count among them',
        }),
      ),
      expiry: Type.Optional(
        Type.String({
          format: 'date',
          description: 'The last day on which posts count, in the time zone of your account',
        }),
      ),
    },
    { service: 7, username: 'mychannel', min: 10, max: 20, delay: 30, posts: 3 },
    'Charged for posts × max; what was not delivered in the end is refunded.',
  ),
  addRequest(
    'Custom Comments Package by link',
    { link, comments: Type.String({ description: 'One comment a line' }) },
    { service: 7, link: LINK, comments: TEN_LINES },
    'The service fixes the quantity, or it is the number of lines that are not empty.',
  ),
  addRequest(
    'Mentions',
    { link, quantity, usernames, runs, interval },
    { service: 9, link: LINK, quantity: 100, usernames: 'first_name\nsecond_name' },
  ),
  addRequest(
    'Mentions with Hashtags',
    {
      link,
      quantity,
      usernames,
      hashtags: Type.String({ description: 'Hashtags, divided by commas or one a line' }),
      runs,
      interval,
    },
    { service: 10, link: LINK, quantity: 100, usernames: 'first_name', hashtags: 'tea,greentea' },
  ),
  addRequest(
    'Mentions Custom List',
    {
      link,
      usernames: Type.String({
        description: 'One username a line; the quantity is the number of usernames',
      }),
    },
    { service: 11, link: LINK, usernames: 'first_name\nsecond_name' },
  ),
  addRequest(
    'Mentions Hashtag',
    { link, quantity, hashtag: Type.String({ description: 'One hashtag' }), runs, interval },
    { service: 12, link: LINK, quantity: 100, hashtag: 'tea' },
  ),
  addRequest(
    'Mentions User Followers',
    { link, quantity, username: Type.String({ description: 'Whose followers' }), runs, interval },
    { service: 13, link: LINK, quantity: 100, username: 'mychannel' },
  ),
  addRequest(
    'Mentions Media Likers',
    { link, quantity, media: Type.String({ description: 'Link to the media' }), runs, interval },
    { service: 14, link: LINK, quantity: 100, media: 'https://shop.example/picture' },
  ),
  addRequest(
    'Comment Likes',
    { link, quantity, username: Type.String({ description: 'Whose comment' }), runs, interval },
    { service: 15, link: LINK, quantity: 100, username: 'mychannel' },
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
    name: `Add${type.replace(/ ([a-z]?)/g, (_, letter: string) => letter.toUpperCase())}`,
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
